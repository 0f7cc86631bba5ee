package session

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/http1"
)

// directBytes is from where a read goes straight to the reader's memory: smaller ones are
// served from the buffer, so that small reads are not as many system calls.
const directBytes = 4 << 10

// ErrInline is what ReadBody returns inside TryHandle, where nothing may block.
var ErrInline = errors.New("session: the body cannot be read inside TryHandle")

// requestBody is what remains of the current request's body.
type requestBody struct {
	chunked http1.Chunked
	isChunk bool
	left    int64 // of a body that is not chunked
	begun   bool  // ReadBody was called
	invite  bool  // the client waits for a 100
	inline  bool
	dropped int64 // of what the handler left, framing included
	err     error
	rate    Rate
}

func (b *requestBody) begin(h *http1.Head, trailerBytesMax int) {
	b.isChunk, b.left = h.Chunked, max(h.ContentLength, 0)
	b.begun, b.invite, b.inline, b.dropped, b.err = false, h.Continue, false, 0, nil
	if b.isChunk {
		b.chunked.Reset(trailerBytesMax)
	}
}

// done reports whether every byte of the body and its framing was read.
func (b *requestBody) done() bool {
	if b.isChunk {
		return b.chunked.Done()
	}
	return b.left == 0
}

// take returns how many bytes of in, which is not empty, come next in the body: of data, or of
// framing.
func (b *requestBody) take(in []byte) (n int, err error) {
	switch {
	case !b.isChunk:
		n = int(min(b.left, int64(len(in))))
		b.left -= int64(n)
	case b.chunked.Left() > 0:
		n = int(min(b.chunked.Left(), int64(len(in))))
		b.chunked.Took(n)
	default:
		return b.chunked.Framing(in)
	}
	return n, nil
}

// SetInline says whether TryHandle is running.
func (s *Session) SetInline(inline bool) { s.body.inline = inline }

// ReadBody implements netloop.Transport.
func (s *Session) ReadBody(p []byte) (int, error) {
	b := &s.body
	switch {
	case b.err != nil:
		return 0, b.err
	case b.done():
		return 0, s.inviteNothing()
	case b.inline:
		return 0, ErrInline
	case len(p) == 0:
		return 0, nil
	}
	if !b.begun {
		if err := s.inviteBody(); err != nil {
			return 0, err
		}
	}
	if b.isChunk {
		return s.readChunked(p)
	}
	n, err := s.readData(p, b.left)
	b.left -= int64(n)
	return n, err
}

func (s *Session) inviteBody() error {
	b := &s.body
	b.begun = true
	if b.invite && !s.response.headSent {
		s.vec = append(s.vec[:0], continueLine)
		if err := s.stream.WriteAll(s.vec); err != nil {
			return s.bodyFailed(err)
		}
	}
	b.rate.Start(&s.shared.Limits)
	return nil
}

// inviteNothing ends a body that is empty from the start. RFC 9110, 10.1.1, would let us omit the
// 100, but botocore, which asks for it even so, takes the status line it finds instead for that
// of the connection's next answer as well, and hangs (boto3 issue 3757).
func (s *Session) inviteNothing() error {
	if b := &s.body; b.invite && !b.begun {
		if err := s.inviteBody(); err != nil {
			return err
		}
	}
	return io.EOF
}

var continueLine = []byte(http1.Continue) // never written to

func (s *Session) readChunked(p []byte) (int, error) {
	b := &s.body
	for {
		if left := b.chunked.Left(); left > 0 {
			n, err := s.readData(p, left)
			b.chunked.Took(n)
			return n, err
		}
		if s.start == s.end {
			if err := s.fill(len(s.buf)); err != nil {
				return 0, err
			}
		}
		n, err := b.chunked.Framing(s.buf[s.start:s.end])
		s.start += n
		if err != nil {
			s.counters.Malformed.Add(1)
			return 0, s.bodyFailed(err)
		}
		if b.chunked.Done() {
			return 0, io.EOF
		}
	}
}

// readData reads up to left bytes of data: what the buffer has, or else from the stream.
func (s *Session) readData(p []byte, left int64) (int, error) {
	if int64(len(p)) > left {
		p = p[:left]
	}
	if s.start == s.end {
		if len(p) >= directBytes || int64(len(p)) == left && !s.body.isChunk {
			return s.read(p)
		}
		if err := s.fill(directBytes); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.start:s.end])
	s.start += n
	s.counters.CopiedBytes.Add(uint64(n))
	return n, nil
}

// fill reads up to most bytes into the empty buffer, behind the head.
func (s *Session) fill(most int) error {
	s.start, s.end = s.bodyAt, s.bodyAt
	n, err := s.read(s.buf[s.end:min(len(s.buf), s.end+most)])
	s.end += n
	return err
}

func (s *Session) read(p []byte) (int, error) {
	b := &s.body
	n, err := s.stream.ReadBefore(p, b.rate.Wait(time.Now()))
	if err == nil && !b.rate.Add(n, time.Now()) {
		err = os.ErrDeadlineExceeded
	}
	if err != nil {
		return 0, s.bodyFailed(err)
	}
	return n, nil
}

func (s *Session) bodyFailed(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.counters.TimedOut.Add(1)
		s.body.err = netloop.ErrBodyTooSlow
	case err == io.EOF:
		s.body.err = netloop.ErrBodyTruncated
	default:
		s.body.err = fmt.Errorf("%w: %w", netloop.ErrBodyTruncated, err)
	}
	return s.body.err
}
