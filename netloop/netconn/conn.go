package netconn

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"flashstore/arena"
	"flashstore/netloop/session"
)

// firstBytes is what a connection waits with instead of a block: most heads fit.
const firstBytes = 1 << 10

// lateLook is how long a look takes for what came before a deadline.
const lateLook = time.Millisecond

// conn is one connection and the goroutine that serves it.
type conn struct {
	server  *Server
	socket  *net.TCPConn
	tls     *tls.Conn // over socket; nil: no TLS
	remote  netip.AddrPort
	home    int
	idle    atomic.Bool // nothing is lost by ending it
	framing session.Framing
	headBy  time.Time // what has begun of the next request must be a head by then; 0: nothing has
	waiting bool      // for a request to begin
	active  *active   // nil while idle
	first   [firstBytes]byte
	bufs    net.Buffers
}

// active is what a connection has only while there are bytes in hand.
type active struct {
	session *session.Session
	block   [1]*arena.Block // nil: suspended, or no block was left
}

// longPast makes a read return at once.
var longPast = time.Unix(1, 0)

// endIdle ends the wait of an idle connection; called by Shutdown.
func (c *conn) endIdle() {
	if c.idle.Load() {
		_ = c.socket.SetReadDeadline(longPast)
	}
}

func (c *conn) run() {
	defer c.server.forget(c)
	defer c.socket.Close()
	if !c.shake() {
		return
	}
	for {
		n := c.awaitRequest()
		if n == 0 {
			c.closeNotify()
			return
		}
		c.attach()
		c.resume(n)
		verdict := c.serve(c.active.session)
		c.detach()
		switch verdict {
		case session.VerdictClose:
			c.linger()
			return
		case session.VerdictBreak:
			_ = c.socket.SetLinger(0)
			return
		}
	}
}

// awaitRequest waits for the first bytes of a request and returns how many came into first;
// 0: none will.
func (c *conn) awaitRequest() int {
	c.headBy, c.waiting = time.Time{}, true
	n, err := c.read(c.first[:])
	c.waiting = false
	c.idle.Store(false)
	if n == 0 && !c.headBy.IsZero() && errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.counters.TimedOut.Add(1)
	}
	return n
}

// rest says how long the next read may take, while c waits for a request to begin: as long as a
// head, if a part of a TLS record is here. Errors: net.ErrClosed, if nothing is and nothing is to
// come.
func (c *conn) rest() error {
	limits := &c.server.config.Limits
	if c.framing.Mid() {
		if c.headBy.IsZero() {
			c.headBy = time.Now().Add(limits.HeadTimeout)
		}
		c.idle.Store(false)
		return c.socket.SetReadDeadline(c.headBy)
	}
	c.headBy = time.Time{} // of a record that was no part of a request
	if err := c.socket.SetReadDeadline(time.Now().Add(limits.IdleTimeout)); err != nil {
		return err
	}
	c.idle.Store(true)
	if c.server.shared.Closing.Load() { // set before Shutdown looked at idle
		return net.ErrClosed
	}
	return nil
}

// serve answers what has come until nothing of it is left, which is VerdictKeep.
func (c *conn) serve(s *session.Session) session.Verdict {
	limits := &c.server.config.Limits
	headBy := c.headBy
	if headBy.IsZero() {
		headBy = time.Now().Add(limits.HeadTimeout)
	}
	for s.Pending() {
		ready, err := s.Next(time.Now())
		switch {
		case err != nil:
			s.Refuse(err)
			return session.VerdictClose
		case ready:
			if verdict := c.answer(s); verdict != session.VerdictKeep {
				return verdict
			}
			headBy = time.Now().Add(limits.HeadTimeout)
		case !c.suspend():
			return s.BusyHead(c.server.busy)
		default:
			if err := c.more(headBy); err != nil {
				return session.VerdictClose // the answers that were sent are whole
			}
		}
	}
	return session.VerdictKeep
}

// answer handles a request, and drops what is left of its body.
func (c *conn) answer(s *session.Session) session.Verdict {
	if c.active.block[0] == nil {
		return s.Busy(c.server.busy)
	}
	c.server.handler.Handle(&s.Exchange)
	verdict := s.Finish()
	if verdict != session.VerdictDrain {
		return verdict
	}
	by := time.Now().Add(c.server.config.Limits.DrainTimeout)
	for verdict = s.Drop(); verdict == session.VerdictDrain; verdict = s.Drop() {
		if !c.suspend() || c.more(by) != nil {
			return session.VerdictClose
		}
	}
	return verdict
}

// more waits until deadline for bytes of a suspended session, and resumes it with them.
func (c *conn) more(deadline time.Time) error {
	n, err := c.ReadBefore(c.first[:], deadline)
	if errors.Is(err, os.ErrDeadlineExceeded) { // or we are late, and it was not
		n, err = c.ReadBefore(c.first[:], time.Now().Add(lateLook))
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.server.counters.TimedOut.Add(1)
		}
		return err
	}
	c.resume(n)
	return nil
}

// ReadBefore implements session.Stream.
func (c *conn) ReadBefore(p []byte, deadline time.Time) (int, error) {
	if err := c.socket.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := c.read(p)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

func (c *conn) read(p []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Read(p)
	}
	return c.readSocket(p)
}

func (c *conn) readSocket(p []byte) (int, error) {
	if c.waiting {
		if err := c.rest(); err != nil {
			return 0, err
		}
	}
	n, err := c.socket.Read(p)
	c.server.counters.ReadCalls.Add(1)
	c.server.counters.ReadBytes.Add(uint64(n))
	return n, err
}

// WriteAll implements session.Stream.
func (c *conn) WriteAll(bufs [][]byte) error {
	if c.tls == nil {
		return c.writeSocket(bufs)
	}
	return c.server.records.Write(c.tls, bufs)
}

func (c *conn) writeSocket(bufs [][]byte) error {
	counters := &c.server.counters
	c.bufs = net.Buffers(bufs) // consumed by WriteTo; a field, so that it does not escape
	for {
		by := time.Now().Add(c.server.config.Limits.WriteTimeout)
		if err := c.socket.SetWriteDeadline(by); err != nil {
			return err
		}
		counters.WriteCalls.Add(1)
		n, err := c.bufs.WriteTo(c.socket)
		counters.WrittenBytes.Add(uint64(n))
		slow := errors.Is(err, os.ErrDeadlineExceeded)
		if slow && n > 0 {
			continue // slow, but not gone
		}
		if slow {
			counters.TimedOut.Add(1)
		}
		c.bufs = nil
		return err
	}
}

// attach gives c a session.
func (c *conn) attach() {
	s := c.server
	a, _ := s.sessions.Get().(*active)
	if a == nil {
		memory := s.config.Allocator.NewArena(c.home)
		a = &active{session: session.New(&s.shared, &s.counters, memory)}
	}
	a.session.Attach(c, c.remote, c.tls != nil)
	c.active = a
}

// resume gives the session a block or, if none is left, a buffer for what has come and no more:
// enough to refuse it. The first n bytes of first are new.
func (c *conn) resume(n int) {
	a := c.active
	s := a.session
	if err := c.server.config.Allocator.Borrow(a.block[:], c.home); err != nil {
		s.Resume(make([]byte, s.Kept()+n))
	} else {
		s.Resume(a.block[0].Bytes)
	}
	copy(s.Room(), c.first[:n])
	s.Filled(n)
}

// suspend takes the block back until resume. It reports false if those who wait keep too much
// already.
func (c *conn) suspend() bool {
	if !c.active.session.Suspend() {
		return false
	}
	c.giveBack(c.active)
	return true
}

func (c *conn) detach() {
	a := c.active
	c.active = nil
	a.session.Detach()
	c.giveBack(a)
	c.server.sessions.Put(a)
}

// giveBack returns a's block, if it has one.
func (c *conn) giveBack(a *active) {
	if a.block[0] != nil {
		c.server.config.Allocator.Return(a.block[:])
		a.block[0] = nil
	}
}

// linger closes our side and drops what the peer still sends, so that its kernel does not
// throw our answers away, until it closes too or the time is over: see session.LingerMax.
func (c *conn) linger() {
	c.closeNotify()
	_ = c.socket.CloseWrite()
	end := time.Now().Add(session.LingerMax)
	for late := true; late; late = time.Now().Before(end) && c.unacknowledged() > 0 {
		_ = c.socket.SetReadDeadline(time.Now().Add(c.server.config.Limits.ShutdownLinger))
		var err error
		for n := 1; n > 0 && err == nil; {
			n, err = c.socket.Read(c.first[:])
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// unacknowledged is how much of what was sent has not arrived.
func (c *conn) unacknowledged() (bytes int) {
	if raw, err := c.socket.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { bytes = session.Unacknowledged(int(fd)) })
	}
	return bytes
}
