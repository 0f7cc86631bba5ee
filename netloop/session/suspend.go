package session

import "bytes"

// Suspend gives the buffer back to its owner: what has come and was not used, such as half a head,
// is kept in memory of its own size. So a client that sends a little and waits holds no block. It
// reports false, and does nothing, if those who wait keep as much as they may. Slices of a request
// are invalid afterwards.
func (s *Session) Suspend() bool {
	if s.Suspended() {
		return true
	}
	rest := s.buf[s.start:s.end]
	if !s.keep(len(rest)) {
		return false
	}
	s.kept = bytes.Clone(rest)
	s.buf, s.start, s.end = nil, 0, 0
	return true
}

// Suspended reports whether there is no buffer.
func (s *Session) Suspended() bool { return s.buf == nil }

// Kept is how many bytes a suspended Session has.
func (s *Session) Kept() int { return len(s.kept) }

// Resume goes on in buf, which is the Session's until Suspend or Detach and has room for what was
// kept; for more than Limits.HeadBytesMax, if a head is to be read to its end.
func (s *Session) Resume(buf []byte) {
	s.buf, s.start, s.end = buf, 0, copy(buf, s.kept)
	s.keep(0)
}

// keep accounts for count bytes kept instead of those that are, which it forgets. It reports false,
// and does nothing, beyond the limit.
func (s *Session) keep(count int) bool {
	more := int64(count - len(s.kept))
	if more == 0 {
		return true
	}
	limit := s.shared.WaitingBytesMax
	if now := s.shared.waitingBytes.Add(more); more > 0 && limit > 0 && now > limit {
		s.shared.waitingBytes.Add(-more)
		return false
	}
	s.kept = nil
	return true
}
