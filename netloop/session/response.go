package session

import (
	"errors"
	"fmt"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/http1"
)

// Errors of Send that are the handler's fault; the connection breaks.
var (
	ErrFieldValue = errors.New("session: a response field is no token or has a forbidden byte")
	ErrBodyLength = errors.New("session: more response body than was declared")
)

// response is what was decided about the answer to the current request.
type response struct {
	keepAlive bool // the client's wish
	minor     int
	headSent  bool
	noBody    bool // HEAD, 204, 304
	chunked   bool
	left      int64 // of the declared body; -1: it ends with the connection, or is chunked
	close     bool
	err       error
}

// Send implements netloop.Transport.
func (s *Session) Send(head *netloop.ResponseHead, bufs [][]byte) error {
	r := &s.response
	if r.err != nil {
		return r.err
	}
	s.vec, s.out = s.vec[:0], s.out[:0]
	if head != nil {
		if err := s.appendHead(head); err != nil {
			r.err = err
			return err
		}
	}
	if err := s.frame(bufs); err != nil {
		r.err = err
		return err
	}
	return s.flush()
}

// frame puts out, then bufs with the framing of the body, into vec.
func (s *Session) frame(bufs [][]byte) error {
	r := &s.response
	var total int64
	for _, b := range bufs {
		total += int64(len(b))
	}
	if r.noBody || total == 0 {
		s.appendOut()
		return nil
	}
	if r.left >= 0 {
		if total > r.left {
			return ErrBodyLength
		}
		r.left -= total
	}
	if r.chunked {
		s.out = http1.AppendChunkSize(s.out, total)
	}
	s.appendOut()
	for _, b := range bufs {
		if len(b) > 0 {
			s.vec = append(s.vec, b)
		}
	}
	if r.chunked {
		s.vec = append(s.vec, chunkEnd)
	}
	return nil
}

func (s *Session) appendOut() {
	if len(s.out) > 0 {
		s.vec = append(s.vec, s.out)
	}
}

var (
	chunkEnd  = []byte(http1.ChunkEnd)  // never written to
	chunkLast = []byte(http1.ChunkLast) // never written to
)

func (s *Session) flush() error {
	if len(s.vec) == 0 {
		return nil
	}
	err := s.stream.WriteAll(s.vec)
	clear(s.vec) // the handler's memory is not held beyond the call
	if err != nil {
		s.response.err = fmt.Errorf("%w: %w", netloop.ErrPeerGone, err)
		return s.response.err
	}
	return nil
}

// appendHead decides the framing of the response and appends its head to out.
func (s *Session) appendHead(head *netloop.ResponseHead) error {
	r := &s.response
	r.headSent = true
	r.noBody = head.Status == 204 || head.Status == 304 ||
		string(s.Exchange.Request.Method) == "HEAD"
	r.left = head.ContentLength
	out := http1.AppendStatusLine(s.out, head.Status)
	out = s.shared.date.append(out, time.Now())
	for i := range head.Fields {
		var ok bool
		out, ok = http1.AppendField(out, head.Fields[i].Name, head.Fields[i].Value)
		if !ok {
			return fmt.Errorf("%w: %q", ErrFieldValue, head.Fields[i].Name)
		}
	}
	switch {
	case head.Status == 204, head.Status == 304 && head.ContentLength <= 0:
	case head.ContentLength >= 0:
		out = http1.AppendContentLength(out, head.ContentLength)
	case r.noBody:
	case r.minor > 0:
		r.chunked = true
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	default:
		head.Close = true // HTTP/1.0 knows no other end of such a body
	}
	head.Close = head.Close || s.mustClose()
	r.close = head.Close
	if r.close {
		out = append(out, "Connection: close\r\n"...)
	} else if r.minor == 0 {
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	s.out = append(out, "\r\n"...)
	return nil
}

// mustClose: the client wants it, the server shuts down, or the body that is still to come
// will not be read. An empty one counts where it was not invited; see inviteNothing.
func (s *Session) mustClose() bool {
	b := &s.body
	return !s.response.keepAlive || s.shared.Closing.Load() || b.err != nil ||
		b.invite && !b.begun || b.left > s.shared.Limits.DrainBytesMax
}
