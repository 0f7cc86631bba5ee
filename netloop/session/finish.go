package session

import (
	"time"

	"flashstore/netloop"
	"flashstore/netloop/http1"
)

// Verdict is what becomes of a connection after a response.
type Verdict uint8

const (
	VerdictKeep  Verdict = iota // the next request may be read
	VerdictDrain                // a body was left: call Drop until it says otherwise
	VerdictClose                // the response is whole: close, and let it arrive
	VerdictBreak                // it is not: reset the connection
)

// Finish completes the response after the handler has returned and frees the request's
// memory. Slices of the request are invalid from here on.
func (s *Session) Finish() Verdict {
	_, err := s.Exchange.Finish()
	broken := err != nil || s.response.err != nil || s.Exchange.Broken()
	if !broken && s.response.chunked && !s.response.noBody {
		s.vec = append(s.vec[:0], chunkLast)
		broken = s.flush() != nil
	}
	s.memory.Reset()
	if s.bodyHere() {
		s.start += int(s.body.left)
		s.body.left = 0
	}
	switch {
	case broken:
		s.counters.AbortedReplies.Add(1)
		return VerdictBreak
	case s.response.close:
		return VerdictClose
	case !s.body.done():
		return VerdictDrain
	}
	return VerdictKeep
}

// bodyHere reports whether all of the body that was not read has come already. It is not said of a
// chunked one.
func (s *Session) bodyHere() bool {
	return !s.body.isChunk && s.body.left <= int64(s.end-s.start)
}

// Drop drops what has come of a body that the handler left, up to Limits.DrainBytesMax. It never
// waits: after VerdictDrain more has to come, into Room, within Limits.DrainTimeout.
func (s *Session) Drop() Verdict {
	b := &s.body
	for !b.done() {
		switch {
		case b.err != nil, b.dropped > s.shared.Limits.DrainBytesMax:
			return VerdictClose
		case s.start == s.end:
			return VerdictDrain
		}
		n, err := b.take(s.buf[s.start:s.end])
		if err != nil {
			s.counters.Malformed.Add(1)
			return VerdictClose
		}
		s.start += n
		b.dropped += int64(n)
	}
	return VerdictKeep
}

// Refuse answers a head that Next refused, and the connection ends.
func (s *Session) Refuse(err error) {
	status := 400
	if refusal, ok := err.(*http1.Refusal); ok {
		status = refusal.Status
	}
	s.answerAndClose(status, "")
}

// Busy answers a request nobody has time for; handler may be nil. It never blocks.
func (s *Session) Busy(handler netloop.BusyHandler) Verdict {
	s.counters.Busy.Add(1)
	if handler == nil {
		s.answerAndClose(503, "Retry-After: 1\r\n")
		return VerdictClose
	}
	s.SetInline(true)
	if !s.bodyHere() {
		s.Exchange.CloseAfter()
	}
	handler.Busy(&s.Exchange)
	verdict := s.Finish()
	if verdict == VerdictDrain {
		verdict = VerdictClose // draining is work too
	}
	return verdict
}

// BusyHead is Busy for a head that is not complete: there is no room for it to wait in.
func (s *Session) BusyHead(handler netloop.BusyHandler) Verdict {
	s.Exchange.Reset(s, s.memory)
	s.Exchange.Request.Remote, s.Exchange.Request.TLS = s.remote, s.secure
	s.Exchange.CloseAfter()
	s.body, s.response = requestBody{}, response{minor: 1}
	return s.Busy(handler)
}

func (s *Session) answerAndClose(status int, fields string) {
	out := http1.AppendStatusLine(s.out[:0], status)
	out = s.shared.date.append(out, time.Now())
	out = append(out, fields...)
	s.out = append(out, "Content-Length: 0\r\nConnection: close\r\n\r\n"...)
	s.vec = append(s.vec[:0], s.out)
	_ = s.stream.WriteAll(s.vec) // the connection ends either way
}
