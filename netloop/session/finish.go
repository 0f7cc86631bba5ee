package session

import (
	"io"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/http1"
)

const drainPieceBytes = 16 << 10

// Verdict is what becomes of a connection after a response.
type Verdict uint8

const (
	VerdictKeep  Verdict = iota // the next request may be read
	VerdictDrain                // call Drain where blocking is allowed
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

// Drain reads and drops what the handler left of the body, up to Limits.DrainBytesMax. It
// returns VerdictKeep or VerdictClose.
func (s *Session) Drain() Verdict {
	defer s.memory.Reset()
	s.body.invite, s.body.inline = false, false // a final answer is out
	scratch := s.memory.Alloc(drainPieceBytes)
	for dropped := int64(0); dropped <= s.shared.Limits.DrainBytesMax; {
		n, err := s.ReadBody(scratch)
		dropped += int64(n)
		if err == io.EOF {
			return VerdictKeep
		}
		if err != nil {
			return VerdictClose
		}
	}
	return VerdictClose
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

func (s *Session) answerAndClose(status int, fields string) {
	out := http1.AppendStatusLine(s.out[:0], status)
	out = s.shared.date.append(out, time.Now())
	out = append(out, fields...)
	s.out = append(out, "Content-Length: 0\r\nConnection: close\r\n\r\n"...)
	s.vec = append(s.vec[:0], s.out)
	_ = s.stream.WriteAll(s.vec) // the connection ends either way
}
