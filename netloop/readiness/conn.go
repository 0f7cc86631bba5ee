//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"io"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/netloop/session"
)

// token is the data of an event.
type token struct{ slot, generation uint32 }

// Tokens that are not connections.
const slotReserved = 1 << 30

var wakeToken = token{slot: slotReserved} // never changed

func listenerToken(index int) token { return token{slot: slotReserved + 1 + uint32(index)} }

// owner of a connection.
const (
	ownerNobody uint32 = iota
	ownerLoop
	ownerWorker
)

// Bits of conn.ready.
const (
	bitIn    uint32 = 1 << iota // there may be bytes, or the end, to be read
	bitOut                      // there may be room to write
	bitEnd                      // the peer has closed its side, or all is over: bitIn stays set
	bitShake                    // a handshake is under way: nothing is lost by cutting it
)

// phase is what the owner is to do with a connection next.
type phase uint8

const (
	phaseRead   phase = iota // read and answer requests
	phaseGreet               // wait until a TLS client has said hello
	phaseShake               // a worker is to go through the TLS handshake
	phaseShaken              // it has; from now on as phaseRead
	phaseHandle              // a worker is to call the handler
	phaseSettle              // the loop is to act on a worker's verdict
	phaseDrain               // the rest of a body is dropped, until the time is over
	phaseFlush               // the loop writes spill, then goes by verdict
	phaseLinger              // half-closed; bytes are dropped until the peer closes too
	phaseClose
	phaseBreak // close with a reset
)

// conn is one connection. 200 to 300 bytes: this is all an idle one costs, without TLS.
type conn struct {
	fd     int
	token  token
	loop   *loop
	remote netip.AddrPort

	owner  atomic.Uint32
	ready  atomic.Uint32
	waiter atomic.Pointer[worker] // the worker that waits for a bit of ready

	// Of the owner.
	phase    phase
	inWorker bool
	worker   *worker // the owner, if it is one
	active   *active // nil while idle
	tls      *secure // nil: no TLS, or no handshake yet
	verdict  session.Verdict
	spill    []byte // what the loop could not write at once
	untaken  int    // of spill, as its server counts it
	timer    timer
	headBy   int64 // the tick by which what has begun must end: head, handshake, drain, linger
}

// errAgain is what fill returns when nothing has come.
const errAgain = unix.EAGAIN

// fill reads what has come into the session's buffer, without waiting.
func (c *conn) fill() (unix.Errno, bool) {
	if c.tls == nil && c.ready.Load()&bitIn == 0 {
		return errAgain, false
	}
	n, errno := c.read(c.active.session.Room())
	if n > 0 {
		c.active.session.Filled(n)
		return 0, true
	}
	return errno, false // errno 0: the end
}

// drain drops what has come of a body that nobody read. VerdictDrain: there is more to come.
func (c *conn) drain() session.Verdict {
	for {
		if verdict := c.active.session.Drop(); verdict != session.VerdictDrain {
			return verdict
		}
		switch errno, got := c.fill(); {
		case got:
		case errno == errAgain:
			return session.VerdictDrain
		default:
			return session.VerdictClose
		}
	}
}

// read reads what the peer sent, without waiting: at least one byte, or the end, or an error.
func (c *conn) read(p []byte) (int, unix.Errno) {
	if c.tls != nil {
		return c.tls.read(p)
	}
	return c.readSocket(p)
}

// readSocket keeps invariant 3: bitIn stays unless the socket has been read empty.
func (c *conn) readSocket(p []byte) (int, unix.Errno) {
	c.ready.And(^bitIn)
	n, errno := rawRead(c.fd, p)
	c.loop.counters.ReadCalls.Add(1)
	if errno != 0 {
		return 0, errno
	}
	if n == len(p) || c.ready.Load()&bitEnd != 0 {
		c.ready.Or(bitIn)
	}
	c.loop.counters.ReadBytes.Add(uint64(n))
	return n, 0
}

// ReadBefore implements session.Stream, for workers.
func (c *conn) ReadBefore(p []byte, deadline time.Time) (int, error) {
	for {
		n, errno := c.read(p)
		switch {
		case n > 0:
			return n, nil
		case errno == 0:
			return 0, io.EOF
		case errno != errAgain:
			return 0, errno
		}
		if !c.worker.await(c, bitIn, deadline) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// WriteAll implements session.Stream. A worker waits for room in the socket; a loop copies
// what finds none.
func (c *conn) WriteAll(bufs [][]byte) error {
	if c.tls != nil {
		return c.loop.server.records.Write(c.tls.Conn, bufs)
	}
	if len(c.spill) > 0 {
		if !c.inWorker {
			c.spillFrom(bufs, 0)
			return nil
		}
		if err := c.flushAll(); err != nil {
			return err
		}
	}
	a := c.active
	for done, waited := 0, false; ; {
		iov, total := a.fillIovecs(bufs, done)
		if total == 0 {
			return nil
		}
		c.loop.counters.WriteCalls.Add(1)
		n, errno := rawWritev(c.fd, iov, total)
		clear(iov)
		if errno == 0 {
			c.loop.counters.WrittenBytes.Add(uint64(n))
			done, waited = done+n, false
			continue
		}
		if errno != errAgain {
			return errno
		}
		if !c.inWorker || c.mayLeave(bufs) {
			c.spillFrom(bufs, done)
			return nil
		}
		if waited {
			return c.tooSlow()
		}
		waited = !c.awaitRoom()
	}
}

// awaitRoom returns once the socket may take bytes again. The bit may be old: clearing it and
// trying once more is left to the caller's loop, which comes back if there is still no room. false:
// Limits.WriteTimeout is over. That is no reason to give up if the caller can write something now:
// the kernel speaks up only when a third of its buffer is free, which a slow client, who takes
// bytes all the time, may need longer for.
func (c *conn) awaitRoom() bool {
	if c.ready.And(^bitOut)&bitOut != 0 {
		return true
	}
	return c.worker.await(c, bitOut, time.Now().Add(c.loop.server.config.Limits.WriteTimeout))
}

// tooSlow is the error of a client that took nothing within Limits.WriteTimeout.
func (c *conn) tooSlow() error {
	c.loop.counters.TimedOut.Add(1)
	return os.ErrDeadlineExceeded
}
