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

// firstBytes is what an idle connection waits with instead of a block: most heads fit.
const firstBytes = 1 << 10

// conn is one connection and the goroutine that serves it.
type conn struct {
	server *Server
	socket *net.TCPConn
	tls    *tls.Conn // over socket; nil: no TLS
	remote netip.AddrPort
	home   int
	idle   atomic.Bool // nothing is lost by ending it
	active *active     // nil while idle
	first  [firstBytes]byte
	bufs   net.Buffers
}

// active is what a connection has only while there are bytes in hand.
type active struct {
	session *session.Session
	block   [1]*arena.Block
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
		if !c.attach() {
			return
		}
		s := c.active.session
		copy(s.Room(), c.first[:n])
		s.Filled(n)
		verdict := c.serve(s)
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
	_ = c.socket.SetReadDeadline(time.Now().Add(c.server.config.Limits.IdleTimeout))
	c.idle.Store(true)
	defer c.idle.Store(false)
	if c.server.shared.Closing.Load() { // set before Shutdown looked at idle
		return 0
	}
	n, _ := c.read(c.first[:])
	return n
}

// serve answers what has come until nothing of it is left, which is VerdictKeep.
func (c *conn) serve(s *session.Session) session.Verdict {
	limits := &c.server.config.Limits
	headBy := time.Now().Add(limits.HeadTimeout)
	for s.Pending() {
		now := time.Now()
		ready, err := s.Next(now)
		if err != nil {
			s.Refuse(err)
			return session.VerdictClose
		}
		if !ready {
			n, err := c.ReadBefore(s.Room(), headBy)
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					c.server.counters.TimedOut.Add(1)
				}
				return session.VerdictBreak
			}
			s.Filled(n)
			continue
		}
		c.server.handler.Handle(&s.Exchange)
		verdict := s.Finish()
		if verdict == session.VerdictDrain {
			verdict = s.Drain()
		}
		if verdict != session.VerdictKeep {
			return verdict
		}
		headBy = time.Now().Add(limits.HeadTimeout)
	}
	return session.VerdictKeep
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
	r := c.server.records.Get().(*record)
	defer c.server.records.Put(r)
	return session.WriteRecords(c.tls, r[:], bufs)
}

func (c *conn) writeSocket(bufs [][]byte) error {
	counters := &c.server.counters
	c.bufs = net.Buffers(bufs) // consumed by WriteTo; a field, so that it does not escape
	for {
		by := time.Now().Add(c.server.config.Limits.WriteTimeout)
		if err := c.socket.SetWriteDeadline(by); err != nil {
			return err
		}
		n, err := c.bufs.WriteTo(c.socket)
		counters.WriteCalls.Add(1)
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

// attach gives c a session and a block. Without memory it answers 503, and c ends.
func (c *conn) attach() bool {
	s := c.server
	a, _ := s.sessions.Get().(*active)
	if a == nil {
		memory := s.config.Allocator.NewArena(c.home)
		a = &active{session: session.New(&s.shared, &s.counters, memory)}
	}
	if err := s.config.Allocator.Borrow(a.block[:], c.home); err != nil {
		s.sessions.Put(a)
		const answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" +
			"Content-Length: 0\r\nConnection: close\r\n\r\n"
		_ = c.WriteAll([][]byte{[]byte(answer)}) // the connection ends either way
		c.linger()
		return false
	}
	a.session.Attach(c, a.block[0].Bytes, c.remote, c.tls != nil)
	c.active = a
	return true
}

func (c *conn) detach() {
	a := c.active
	c.active = nil
	a.session.Detach()
	c.server.config.Allocator.Return(a.block[:])
	a.block[0] = nil
	c.server.sessions.Put(a)
}

// linger closes our side and drops what the peer still sends, so that its kernel does not
// throw our answer away, until it closes too or the time is over.
func (c *conn) linger() {
	c.closeNotify()
	_ = c.socket.CloseWrite()
	_ = c.socket.SetReadDeadline(time.Now().Add(c.server.config.Limits.ShutdownLinger))
	for {
		if n, err := c.socket.Read(c.first[:]); n == 0 || err != nil {
			return
		}
	}
}
