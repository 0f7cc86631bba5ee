package netconn

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"flashstore/netloop/session"
)

// shake goes through the TLS handshake, if there is to be one, and reports whether requests may
// follow.
func (c *conn) shake() bool {
	s := c.server
	if s.tls == nil {
		return true
	}
	_ = c.socket.SetReadDeadline(time.Now().Add(s.config.Limits.HeadTimeout))
	c.idle.Store(true)
	defer c.idle.Store(false)
	if s.shared.Closing.Load() { // set before Shutdown looked at idle
		return false
	}
	c.tls = tls.Server(wire{c}, s.tls)
	err := c.tls.Handshake()
	if err == nil {
		s.counters.Handshakes.Add(1)
		return true
	}
	s.counters.HandshakesFailed.Add(1)
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.shared.Closing.Load() {
		s.counters.TimedOut.Add(1)
	}
	var header tls.RecordHeaderError
	if errors.As(err, &header) && session.LooksLikeHTTP(header.RecordHeader[:]) {
		c.tls = nil
		_ = c.WriteAll([][]byte{[]byte(session.PlainRefusal)}) // it ends either way
	}
	c.linger()
	return false
}

// closeNotify tells the peer that nothing was cut off. Before any end but a broken one.
func (c *conn) closeNotify() {
	if c.tls != nil {
		_ = c.tls.CloseWrite() // the connection ends either way
	}
}

// wire is what a tls.Conn takes for the network: the socket of c, with its counters and the
// deadlines of its writes. A write that fails is the end of a tls.Conn, also one that only was
// slow, so each goes on while the peer takes bytes at all.
type wire struct{ c *conn }

var _ net.Conn = wire{}

func (w wire) Read(p []byte) (int, error) {
	n, err := w.c.readSocket(p)
	w.c.framing.Pass(p[:n])
	return n, err
}

func (w wire) Write(p []byte) (int, error) {
	if err := w.c.writeSocket([][]byte{p}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close does nothing: conn.run closes the socket.
func (w wire) Close() error { return nil }

func (w wire) LocalAddr() net.Addr  { return w.c.socket.LocalAddr() }
func (w wire) RemoteAddr() net.Addr { return w.c.socket.RemoteAddr() }

func (w wire) SetDeadline(t time.Time) error     { return w.c.socket.SetReadDeadline(t) }
func (w wire) SetReadDeadline(t time.Time) error { return w.c.socket.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see Write.
func (w wire) SetWriteDeadline(time.Time) error { return nil }
