package session

import (
	"bytes"
	"net/netip"
	"sync/atomic"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/http1"
)

// Stream moves the bytes of one connection. Where its server may block, it blocks.
type Stream interface {
	// ReadBefore reads at least one byte. Errors: io.EOF, os.ErrDeadlineExceeded when none
	// came before deadline, others when the connection is broken.
	ReadBefore(p []byte, deadline time.Time) (int, error)
	// WriteAll writes all of bufs in order, as long as the peer takes bytes at all. bufs
	// belongs to the caller again on return.
	WriteAll(bufs [][]byte) error
}

// Shared is what the Sessions of one server have in common. Safe for concurrent use.
type Shared struct {
	Limits  netloop.Limits
	Closing atomic.Bool // the server shuts down: every response is the last of its connection
	// WaitingBytesMax is for what Suspend keeps, of all Sessions; see netloop.WaitingBytesMax.
	WaitingBytesMax int64

	waitingBytes atomic.Int64
	date         date
}

// Session is one connection's side of the protocol, while there is something to do on it.
type Session struct {
	Exchange netloop.Exchange

	shared   *Shared
	counters *Counters
	memory   Memory
	stream   Stream
	remote   netip.AddrPort
	secure   bool
	parser   *http1.Parser
	header   []netloop.Field

	// buf[start:end] are bytes that were read from the stream and not used yet. Bytes
	// before bodyAt belong to the current request's head.
	buf                []byte
	start, end, bodyAt int
	kept               []byte // those bytes while there is no buf; see Suspend
	reading            bool   // a head has begun and is not complete

	body     requestBody
	response response
	out      []byte // the response head and chunk lines being sent
	vec      [][]byte
}

// Memory is the scratch memory of requests; arena.Arena is one.
type Memory interface {
	netloop.Memory
	Reset()
}

// New returns a detached Session. Its requests use memory, reset after each.
func New(shared *Shared, counters *Counters, memory Memory) *Session {
	l := &shared.Limits
	return &Session{
		shared: shared, counters: counters, memory: memory,
		parser: http1.NewParser(http1.Limits{HeadBytes: l.HeadBytesMax, Fields: l.HeaderCountMax,
			TargetBytes: l.TargetBytesMax, TrailerBytes: l.TrailerBytesMax}),
		header: make([]netloop.Field, 0, 16),
		out:    make([]byte, 0, 768),
		vec:    make([][]byte, 0, 16),
	}
}

// Attach begins work on a connection, suspended; secure says that stream is encrypted.
func (s *Session) Attach(stream Stream, remote netip.AddrPort, secure bool) {
	s.stream, s.remote, s.secure = stream, remote, secure
	s.start, s.end, s.reading = 0, 0, false
	s.parser.Reset()
}

// Detach ends it. Bytes not used yet are lost.
func (s *Session) Detach() {
	s.Exchange.Request = netloop.Request{}
	s.header = s.header[:0]
	s.keep(0)
	s.stream, s.buf, s.kept = nil, nil, nil
}

// Room returns where the next bytes from the stream go; see Filled. It is never empty while
// no head is complete, and stays valid until the next call of any method.
func (s *Session) Room() []byte {
	if s.start == s.end {
		s.start, s.end = 0, 0
	} else if s.end == len(s.buf) {
		s.compact()
	}
	return s.buf[s.end:]
}

// compact moves what was not used to the buffer's beginning.
func (s *Session) compact() { s.start, s.end = 0, copy(s.buf, s.buf[s.start:s.end]) }

// Filled says that n bytes were put into Room.
func (s *Session) Filled(n int) { s.end += n }

// Pending reports whether bytes have come that no request has used.
func (s *Session) Pending() bool { return s.start < s.end }

// InHead reports whether a head has begun and is not complete.
func (s *Session) InHead() bool { return s.reading }

// Next looks for a complete head in what was read. If there is one it prepares Exchange and
// returns true. An error is to be answered with Refuse.
func (s *Session) Next(now time.Time) (bool, error) {
	if s.start == s.end {
		return false, nil
	}
	n, err := s.parser.Parse(s.buf[s.start:s.end])
	if err != nil {
		s.counters.Malformed.Add(1)
		return false, err
	}
	s.reading = n == 0
	if s.reading {
		return false, nil
	}
	if len(s.buf)-s.start-n < directBytes {
		s.compact() // requests before it took the room that its body is read into
	}
	s.begin(s.buf[s.start:s.start+n], now)
	s.start += n
	s.bodyAt = s.start
	return true, nil
}

func (s *Session) begin(buf []byte, now time.Time) {
	s.counters.Requests.Add(1)
	s.Exchange.Reset(s, s.memory)
	h := s.parser.Head()
	s.header = s.parser.AppendFields(s.header[:0], buf)
	r := &s.Exchange.Request
	r.Method, r.Host, r.Header = h.Method.Of(buf), h.Host.Of(buf), s.header
	r.Target = h.Target.Of(buf)
	if len(r.Target) == 0 {
		r.Target = []byte("/") // absolute-form without a path
	}
	r.Path = r.Target
	if i := bytes.IndexByte(r.Target, '?'); i >= 0 {
		r.Path, r.Query = r.Target[:i:i], r.Target[i+1:]
	}
	r.ContentLength, r.MinorVersion = h.ContentLength, h.Minor
	r.Remote, r.TLS, r.Received = s.remote, s.secure, now
	s.body.begin(h, s.shared.Limits.TrailerBytesMax)
	s.response = response{keepAlive: h.KeepAlive, minor: h.Minor}
	s.parser.Reset()
}
