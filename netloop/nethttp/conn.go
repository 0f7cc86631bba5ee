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

	"flashstore/netloop"
)

// writePieceBytes is the most one deadline has to cover: a peer that takes less than this in
// Limits.WriteTimeout is taken for gone.
const writePieceBytes = 64 << 10

type counters struct {
	connections    atomic.Int64
	accepted       atomic.Uint64
	refused        atomic.Uint64
	requests       atomic.Uint64
	timedOut       atomic.Uint64
	readCalls      atomic.Uint64
	readBytes      atomic.Uint64
	writtenBytes   atomic.Uint64
	writeCalls     atomic.Uint64
	abortedReplies atomic.Uint64

	handshakes       atomic.Uint64
	handshakesFailed atomic.Uint64
}

func (c *counters) stats() netloop.Stats {
	return netloop.Stats{
		Name:           "nethttp",
		Connections:    c.connections.Load(),
		Accepted:       c.accepted.Load(),
		Refused:        c.refused.Load(),
		Requests:       c.requests.Load(),
		TimedOut:       c.timedOut.Load(),
		ReadCalls:      c.readCalls.Load(),
		ReadBytes:      c.readBytes.Load(),
		WrittenBytes:   c.writtenBytes.Load(),
		WriteCalls:     c.writeCalls.Load(),
		AbortedReplies: c.abortedReplies.Load(),

		Handshakes:       c.handshakes.Load(),
		HandshakesFailed: c.handshakesFailed.Load(),
	}
}

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
			s.counters.refused.Add(1)
			_ = c.Close()
			continue
		}
		s.counters.connections.Add(1)
		s.counters.accepted.Add(1)
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
	c.server.counters.readCalls.Add(1)
	c.server.counters.readBytes.Add(uint64(n))
	return n, err
}

func (c *conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		if c.broken.Load() {
			return written, net.ErrClosed // it would be a close_notify, which says that all is well
		}
		piece := p[written:min(len(p), written+writePieceBytes)]
		if err = c.SetWriteDeadline(time.Now().Add(c.server.config.Limits.WriteTimeout)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		c.server.counters.writtenBytes.Add(uint64(n))
		c.server.counters.writeCalls.Add(1)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.server.counters.timedOut.Add(1)
			}
			return written, err
		}
	}
	return written, nil
}

func (c *conn) Close() error {
	c.closed.Do(func() {
		c.server.counters.connections.Add(-1)
		c.server.admission.Leave(c.remote.Addr())
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
