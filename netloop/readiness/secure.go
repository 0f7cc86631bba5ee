//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/netloop/session"
)

// secure is the TLS side of a connection: a tls.Conn of the standard library that sits on a wire.
type secure struct {
	*tls.Conn
	framing session.Framing
	shaking bool // a worker goes through the handshake, and may wait
}

// read is conn.read. What tls.Conn holds, decrypted or not, raises no event: whoever reads goes
// on until errAgain.
func (s *secure) read(p []byte) (int, unix.Errno) {
	n, err := s.Conn.Read(p)
	switch {
	case n > 0: // an error besides comes again
		return n, 0
	case err == errAgain:
		return 0, errAgain
	case err == io.EOF:
		return 0, 0
	}
	return 0, unix.EPROTO
}

// midRecord reports whether a TLS record has begun and not ended.
func (c *conn) midRecord() bool { return c.tls != nil && c.tls.framing.Mid() }

// closeNotify tells the peer that nothing was cut off: all that was to be sent has been, or is in
// spill. Called by c's owner, before any end but a broken one.
func (c *conn) closeNotify() {
	if c.tls != nil && c.phase != phaseBreak {
		_ = c.tls.CloseWrite() // the connection ends either way
	}
}

// wire is what a tls.Conn takes for the network: the socket of c. During the handshake it blocks
// the worker; afterwards a Read that finds nothing returns an error which is temporary, and so
// leaves the tls.Conn as it was, in the middle of a record perhaps. A Write that fails is the end
// of a tls.Conn, so want of room is no failure: see Write.
type wire struct{ c *conn }

var _ net.Conn = wire{}

func (w wire) Read(p []byte) (int, error) {
	c := w.c
	p = p[:min(len(p), c.tls.framing.Most())]
	for {
		if c.ready.Load()&bitIn != 0 {
			n, errno := c.readSocket(p)
			switch {
			case n > 0:
				c.tls.framing.Pass(p[:n])
				return n, nil
			case errno == 0:
				return 0, io.EOF
			case errno != errAgain:
				return 0, errno
			}
		}
		if !c.tls.shaking {
			return 0, errAgain // a net.Error that says it is temporary
		}
		if !c.worker.awaitFlight(c) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write writes all of p. A worker waits for room in the socket, unless p is all there is to be
// written; a loop copies what finds none.
func (w wire) Write(p []byte) (int, error) {
	c := w.c
	if !c.inWorker && len(c.spill) > 0 {
		c.spill = append(c.spill, p...)
		return len(p), nil
	}
	if len(c.spill) > 0 {
		if err := c.flushAll(); err != nil {
			return 0, err
		}
	}
	n, err := c.writeSocket(p)
	if err != nil {
		return n, err
	}
	c.spill = append(c.spill, p[n:]...)
	return len(p), nil
}

// writeSocket writes all of p, or what finds room if a loop calls, or a worker that may leave the
// rest.
func (c *conn) writeSocket(p []byte) (int, error) {
	waited := false
	for done := 0; done < len(p); {
		c.loop.counters.WriteCalls.Add(1)
		n, errno := rawWrite(c.fd, p[done:])
		switch {
		case errno == 0:
			c.loop.counters.WrittenBytes.Add(uint64(n))
			done, waited = done+n, false
		case errno != errAgain:
			return done, errno
		case !c.inWorker, !c.tls.shaking && c.loop.server.roomToLeave():
			return done, nil
		case waited:
			return done, c.tooSlow()
		default:
			waited = !c.awaitRoom()
		}
	}
	return len(p), nil
}

// Close does nothing: the loop closes the socket.
func (w wire) Close() error { return nil }

// LocalAddr is not known here, and nobody asks.
func (w wire) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is the peer's.
func (w wire) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(w.c.remote) }

// SetDeadline does nothing, like the two below: times are the loop's and its workers'.
func (w wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (w wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (w wire) SetWriteDeadline(time.Time) error { return nil }
