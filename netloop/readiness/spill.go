//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

// What a loop writes and the socket has no room for is in conn.spill, and so is a short answer of a
// worker: who waits for a client is the loop. It is no part of the request memory, but there is a
// limit to it: with that much untaken by clients, loops answer nothing themselves. Workers do, and
// they wait for room, for Limits.WriteTimeout.

// leaveBytesMax is how long an answer may be that a worker leaves to the loop.
const leaveBytesMax = 16 << 10

// roomToLeave reports whether loops may answer, and workers leave answers, as far as memory is
// concerned.
func (s *Server) roomToLeave() bool {
	return s.untakenBytesMax == 0 || s.untakenBytes.Load() < s.untakenBytesMax
}

// mayLeave reports whether a worker may leave what it writes to the loop.
func (c *conn) mayLeave(bufs [][]byte) bool {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	return total <= leaveBytesMax && c.loop.server.roomToLeave()
}

// flushAll writes spill, for a worker, which waits for room.
func (c *conn) flushAll() error {
	for waited := false; ; {
		before := len(c.spill)
		done, err := c.flush()
		if err != nil || done {
			return err
		}
		if waited && len(c.spill) == before {
			return c.tooSlow()
		}
		waited = !c.awaitRoom()
	}
}

// countUntaken makes the server's sum true again once c.spill has been begun or emptied.
func (c *conn) countUntaken() {
	now := cap(c.spill)
	c.loop.server.untakenBytes.Add(int64(now - c.untaken))
	c.untaken = now
}

// spillFrom copies bufs without their first skip bytes.
func (c *conn) spillFrom(bufs [][]byte, skip int) {
	for _, b := range bufs {
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		c.spill = append(c.spill, b[skip:]...)
		c.loop.counters.CopiedBytes.Add(uint64(len(b) - skip))
		skip = 0
	}
}

// flush writes spill as far as it goes and reports whether all of it went.
func (c *conn) flush() (bool, error) {
	c.ready.And(^bitOut)
	for len(c.spill) > 0 {
		c.loop.counters.WriteCalls.Add(1)
		n, errno := rawWrite(c.fd, c.spill)
		if errno == errAgain {
			return false, nil
		}
		if errno != 0 {
			return false, errno
		}
		c.loop.counters.WrittenBytes.Add(uint64(n))
		c.spill = c.spill[n:]
	}
	c.spill = nil
	return true, nil
}
