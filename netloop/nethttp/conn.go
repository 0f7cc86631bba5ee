package nethttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// writePieceBytes is the most one deadline has to cover: a peer that takes less than this in
// Limits.WriteTimeout is taken for gone.
const writePieceBytes = 64 << 10

// recordAlert is the type of a TLS record (RFC 5246, 6.2.1) behind which nothing is written.
// crypto/tls may still read: what it found wrong, as a renegotiation, only one read is told of, and
// that may be net/http's look whether the client is still there, which it forgets.
const recordAlert = 21

// listener counts connections and closes those over the limit.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s := l.server
		from := remoteOf(c)
		if !s.admission.Enter(from.Addr()) {
			s.counters.Refused.Add(1)
			_ = c.Close()
			continue
		}
		s.counters.Connections.Add(1)
		s.counters.Accepted.Add(1)
		return &conn{Conn: c, server: s, remote: from}, nil
	}
}

// remoteOf is the address of the peer, zero where that is not TCP.
func remoteOf(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// conn counts bytes and gives every piece of a response its own deadline.
type conn struct {
	net.Conn
	server *Server
	remote netip.AddrPort
	closed sync.Once
	broken atomic.Bool // nothing may follow what was written
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.server.counters.ReadCalls.Add(1)
	c.server.counters.ReadBytes.Add(uint64(n))
	return n, err
}

func (c *conn) Write(p []byte) (written int, err error) {
	if c.server.config.TLS != nil && len(p) > 0 && p[0] == recordAlert {
		defer c.broken.Store(true)
	}
	for written < len(p) {
		if c.broken.Load() {
			// It would be a close_notify, which says that all is well, or wait once more for room.
			return written, net.ErrClosed
		}
		piece := p[written:min(len(p), written+writePieceBytes)]
		if err = c.SetWriteDeadline(time.Now().Add(c.server.config.Limits.WriteTimeout)); err != nil {
			return written, err
		}
		c.server.counters.WriteCalls.Add(1)
		n, err := c.Conn.Write(piece)
		written += n
		c.server.counters.WrittenBytes.Add(uint64(n))
		if err != nil {
			c.broken.Store(true)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.server.counters.TimedOut.Add(1)
			}
			return written, err
		}
	}
	return written, nil
}

func (c *conn) Close() error {
	c.closed.Do(func() {
		c.server.admission.Leave(c.remote.Addr()) // first: who sees room in the counters may enter
		c.server.counters.Connections.Add(-1)
	})
	return c.Conn.Close()
}

// CloseWrite lets net/http half-close, so that a client still sending gets its answer.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// resetOnClose makes Close send a reset: the peer must not take what it has for a whole body.
func (c *conn) resetOnClose() {
	c.broken.Store(true)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}
