//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

// What a loop writes and the socket has no room for is in conn.spill. It is no part of the request
// memory, but there is a limit to it: with that much untaken by clients, loops answer nothing
// themselves. Workers do, and they wait for room, for Limits.WriteTimeout.

// inlineMay reports whether loops may answer, as far as memory is concerned.
func (s *Server) inlineMay() bool {
	return s.untakenBytesMax == 0 || s.untakenBytes.Load() < s.untakenBytesMax
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
		n, errno := rawWrite(c.fd, c.spill)
		c.loop.counters.WriteCalls.Add(1)
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
