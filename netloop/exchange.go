package netloop

import (
	"errors"
	"net/netip"
	"time"
)

// Errors of reading a request body and writing a response.
var (
	// ErrBodyTruncated: the peer closed or broke the framing before the body was complete.
	ErrBodyTruncated = errors.New("netloop: the request body ended early")
	// ErrBodyTooSlow: the body fell below Limits.BodyRateMin.
	ErrBodyTooSlow = errors.New("netloop: the request body came too slowly")
	// ErrPeerGone: the peer does not take the response any more.
	ErrPeerGone = errors.New("netloop: the peer closed the connection")
)

// Field is one header field. Name has the spelling that was sent; compare it without case. It
// is an alias of an unnamed type, so that packages which must not import this one (sigv4) can
// take a []Field as it is.
type Field = struct{ Name, Value []byte }

// Request is a parsed request head. All slices belong to the server and live until the
// handler returns.
type Request struct {
	Method []byte
	Target []byte // as sent, absolute-form reduced to origin-form: path and query
	Path   []byte // of Target, still percent-encoded, never normalised
	Query  []byte // of Target, without '?', still percent-encoded
	Host   []byte // the Host field, or the authority of an absolute-form target
	Header []Field
	// ContentLength is the length of the body in bytes; 0 without one, -1 when it is
	// chunked and so unknown.
	ContentLength int64
	MinorVersion  int // HTTP/1.x
	Remote        netip.AddrPort
	TLS           bool
	Received      time.Time // when the head was complete
}

// Lookup returns the value of the first header field with that name (any case; name itself
// is given in lower case) and whether there is one.
func (r *Request) Lookup(name string) ([]byte, bool) {
	for i := range r.Header {
		if EqualFold(r.Header[i].Name, name) {
			return r.Header[i].Value, true
		}
	}
	return nil, false
}

// EqualFold reports whether an ASCII field name equals lower, which is in lower case.
func EqualFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Memory is the request's scratch memory, an arena where the server has one.
type Memory interface {
	// Alloc returns bytes of memory, not zeroed, valid until the handler returns.
	Alloc(bytes int) []byte
}

// Transport is what a server implements beneath an Exchange.
type Transport interface {
	// ReadBody reads up to len(p) bytes of the decoded request body; io.EOF at its end.
	// The first call answers an Expect: 100-continue.
	ReadBody(p []byte) (int, error)
	// Send writes the head, if head is not nil, and then bufs in order with as few system
	// calls as it can (one writev where all fits). It returns when the socket took
	// everything; bufs belong to the caller again. Framing of the body is the transport's.
	Send(head *ResponseHead, bufs [][]byte) error
}

// ResponseHead is what goes out before the body.
type ResponseHead struct {
	Status int
	// Fields as they are to be sent, without Content-Length, Transfer-Encoding, Connection
	// and Date, which are the server's.
	Fields []Field
	// ContentLength is the length of the body; -1 if unknown (chunked in HTTP/1.1).
	ContentLength int64
	// Close asks for the connection to end after this response.
	Close bool
}

// Exchange is one request and its response. A server makes it, a Handler uses it; it is not
// safe for concurrent use.
type Exchange struct {
	Request Request
	Memory  Memory

	head      ResponseHead
	sentHead  bool
	sentBytes int64
	aborted   bool
	transport Transport
	clock     *PhaseClock // nil: this request is not measured
	fields    [24]Field
	bufs      [][]byte
}

// Reset prepares ex for the next request on transport; called by servers.
func (ex *Exchange) Reset(t Transport, m Memory) {
	ex.Request, ex.Memory, ex.transport = Request{}, m, t
	ex.head = ResponseHead{Status: 200, Fields: ex.fields[:0], ContentLength: -1}
	ex.sentHead, ex.sentBytes, ex.aborted, ex.clock = false, 0, false, nil
}

// Rewind takes back what was set of a response whose head has not gone out: for a TryHandle
// that finds it cannot answer after all.
func (ex *Exchange) Rewind() {
	if ex.sentHead {
		panic("netloop: Rewind after the head was sent")
	}
	ex.head = ResponseHead{Status: 200, Fields: ex.fields[:0], ContentLength: -1}
}

// ReadBody reads the decoded request body: at least one byte or an error, io.EOF at the end.
func (ex *Exchange) ReadBody(p []byte) (int, error) { return ex.transport.ReadBody(p) }

// Read makes the Exchange an io.Reader of its request body.
func (ex *Exchange) Read(p []byte) (int, error) { return ex.transport.ReadBody(p) }

// SetStatus sets the response status; 200 unless set.
func (ex *Exchange) SetStatus(status int) { ex.head.Status = status }

// Status is the response status as set so far.
func (ex *Exchange) Status() int { return ex.head.Status }

// AddField adds a response header field. Both slices must stay unchanged until the handler
// returns. Values with CR, LF or NUL are refused by the server with a broken connection.
func (ex *Exchange) AddField(name, value []byte) {
	ex.head.Fields = append(ex.head.Fields, Field{Name: name, Value: value})
}

// SetContentLength declares the length of the response body. For HEAD it is what a GET would
// send, and nothing is written.
func (ex *Exchange) SetContentLength(bytes int64) { ex.head.ContentLength = bytes }

// CloseAfter ends the connection once the response is sent.
func (ex *Exchange) CloseAfter() { ex.head.Close = true }

// Write sends bufs as the next part of the body, the head before the first of them. It
// returns once the socket took all bytes.
func (ex *Exchange) Write(bufs ...[]byte) error {
	var head *ResponseHead
	if !ex.sentHead {
		head, ex.sentHead = &ex.head, true
	}
	for _, b := range bufs {
		ex.sentBytes += int64(len(b))
	}
	// Through a copy, so that the caller's argument list stays on its stack.
	ex.bufs = append(ex.bufs[:0], bufs...)
	ex.Enter(PhaseRespond)
	err := ex.transport.Send(head, ex.bufs)
	clear(ex.bufs)
	return err
}

// Abort says that the body cannot be completed: the server breaks the connection.
func (ex *Exchange) Abort() { ex.aborted = true }

// Broken reports, after Finish, that the response cannot be taken for a whole one: it was
// aborted, or its body has not the declared length. The server cuts such a connection.
func (ex *Exchange) Broken() bool { return ex.aborted || ex.short() }

func (ex *Exchange) short() bool {
	return string(ex.Request.Method) != "HEAD" && ex.head.ContentLength > 0 &&
		ex.head.Status != 304 && ex.sentBytes != ex.head.ContentLength
}

// HeadSent reports whether the response head has gone out.
func (ex *Exchange) HeadSent() bool { return ex.sentHead }

// Finish is called by the server after the handler: it sends a head nothing was written
// after, and reports whether the connection may carry another request.
func (ex *Exchange) Finish() (keep bool, err error) {
	isHead := string(ex.Request.Method) == "HEAD"
	if !ex.sentHead && !ex.aborted {
		if ex.head.ContentLength < 0 || !isHead && ex.head.Status != 304 {
			ex.aborted = ex.head.ContentLength > 0 // declared a body, wrote none
			ex.head.ContentLength = 0
		}
		if !ex.aborted {
			ex.sentHead = true
			ex.Enter(PhaseRespond)
			err = ex.transport.Send(&ex.head, nil)
		}
	}
	return err == nil && !ex.Broken() && !ex.head.Close, err
}
