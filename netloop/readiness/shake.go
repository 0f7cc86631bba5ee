//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"crypto/tls"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"flashstore/netloop/session"
)

// handshakePatience is more than a round trip takes to the other side of the world, and back.
const handshakePatience = time.Second

// greet looks at the first bytes of a connection that is to speak TLS, and leaves them in the
// socket. Only when the first record is here does a worker take c: a client that sends less waits
// on the loop, where it costs nothing, for the time a head may take.
func (l *loop) greet(c *conn) {
	if l.stopping {
		l.close(c)
		return
	}
	ended := c.ready.And(^bitIn)&bitEnd != 0
	var first [session.RecordHeaderBytes]byte
	n, errno := rawPeek(c.fd, first[:])
	switch {
	case errno == errAgain:
		l.giveUp(c, bitIn)
	case errno != 0 || n == 0:
		l.close(c)
	case n < len(first):
		l.greetLater(c, ended)
	case first[0] != session.RecordHandshake:
		l.refusePlain(c, first[:])
	case session.RecordLength(first[:]) > session.RecordBytesMax,
		l.waiting(c) >= session.RecordLength(first[:]):
		c.ready.Or(bitIn)
		if !l.lend(c, phaseShake) { // there is no way to say 503
			l.counters.Refused.Add(1)
			l.close(c)
		}
	default:
		l.greetLater(c, ended)
	}
}

// greetLater waits for the rest of what greet looks for. More bytes are another edge.
func (l *loop) greetLater(c *conn, ended bool) {
	if ended { // there will be no more
		l.counters.HandshakesFailed.Add(1)
		l.close(c)
		return
	}
	l.giveUp(c, bitIn)
}

// waiting is how many bytes the socket holds.
func (l *loop) waiting(c *conn) int {
	n, err := unix.IoctlGetInt(c.fd, inputBytesRequest)
	if err != nil {
		return session.RecordBytesMax // the worker sees what is wrong with it
	}
	return n
}

// refusePlain ends a connection that does not begin with a TLS handshake.
func (l *loop) refusePlain(c *conn, first []byte) {
	l.counters.HandshakesFailed.Add(1)
	if !session.LooksLikeHTTP(first) {
		l.close(c)
		return
	}
	_, _ = unix.Write(c.fd, []byte(session.PlainRefusal)) // the connection ends either way
	l.hangUp(c)
}

// shake goes through the handshake of c and gives it back to its loop.
func (w *worker) shake(c *conn) {
	counters := &c.loop.counters
	err := os.ErrDeadlineExceeded
	if time.Now().Before(c.shakeBy()) { // it may have waited for a worker
		c.tls = &secure{shaking: true}
		c.tls.Conn = tls.Server(wire{c}, w.pool.server.tls)
		err = c.tls.Handshake()
		c.tls.shaking = false
	}
	c.headBy = 0
	c.ready.And(^bitShake)
	if err == nil {
		counters.Handshakes.Add(1)
		c.phase = phaseShaken
		c.ready.Or(bitIn) // the first request may have come with the end of the handshake
	} else {
		counters.HandshakesFailed.Add(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			counters.TimedOut.Add(1)
		}
		c.phase, c.verdict = phaseSettle, session.VerdictClose // an alert is to arrive
	}
	c.loop.post(c)
}

// awaitFlight waits for more of a handshake, until the head deadline, or for handshakePatience if
// others wait for a worker: clients that greet and fall silent hold nobody up for long.
func (w *worker) awaitFlight(c *conn) bool {
	for by := c.shakeBy(); ; {
		patience := time.Now().Add(handshakePatience)
		if patience.After(by) {
			return w.await(c, bitIn, by)
		}
		if w.await(c, bitIn, patience) {
			return true
		}
		if w.pool.crowded() {
			return false
		}
	}
}

// shakeBy is when the handshake must have ended.
func (c *conn) shakeBy() time.Time {
	return c.loop.start.Add(time.Duration(c.headBy) * tick)
}
