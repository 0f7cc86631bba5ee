package nethttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"flashstore/arena"
	"flashstore/netloop"
	"flashstore/netloop/session"
)

var (
	errFieldValue = errors.New("nethttp: CR, LF or NUL in a response header field")
	errBodyLength = errors.New("nethttp: more body than was declared")
)

// exchange is one request under way: the Transport beneath a netloop.Exchange.
type exchange struct {
	netloop.Exchange
	server *Server
	memory arena.Arena
	text   []byte // copies of the request's strings
	header []netloop.Field

	writer    http.ResponseWriter
	control   *http.ResponseController
	body      io.Reader
	rate      session.Rate
	bodyBegun bool
	bodyDone  bool
	invite    bool // the client waits for a 100 before it sends nothing
	http2     bool
	noBody    bool  // of the response: HEAD, 204, 304
	left      int64 // of the declared response body; -1: not declared
	broken    bool  // the response cannot be completed
}

func (s *Server) newExchange() *exchange {
	return &exchange{server: s, memory: s.config.Allocator.NewArena(int(s.homes.Add(1)))}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(*conn)
	if c != nil && c.broken.Load() {
		panic(http.ErrAbortHandler) // nobody would get the answer
	}
	if status := s.overLimit(r); status != 0 {
		s.refuse(w, status)
		return
	}
	s.counters.Requests.Add(1)
	x := s.exchanges.Get().(*exchange)
	x.begin(w, r)
	defer x.end() // also when the handler panics: net/http then breaks the connection
	s.handler.Handle(&x.Exchange)
	_, err := x.Finish() // CloseAfter went out as a header field, which net/http obeys
	if x.broken || err != nil || x.Broken() {
		s.counters.AbortedReplies.Add(1)
		// In HTTP/2 net/http resets the stream: others share the connection.
		if c != nil && r.ProtoMajor == 1 {
			c.resetOnClose()
		}
		panic(http.ErrAbortHandler)
	}
	x.boundDrain(r)
}

// boundDrain gives net/http, which drops what was left of the body without a deadline of its
// own, one. It is gone with the next request.
func (x *exchange) boundDrain(r *http.Request) {
	limits := &x.server.config.Limits
	switch {
	case x.bodyDone || r.ContentLength == 0:
		return
	case !x.bodyBegun && r.Header.Get("Expect") != "": // it will not come
		_ = x.control.SetReadDeadline(time.Now().Add(limits.ShutdownLinger))
	default:
		_ = x.control.SetReadDeadline(time.Now().Add(limits.DrainTimeout))
	}
}

func (x *exchange) begin(w http.ResponseWriter, r *http.Request) {
	x.Reset(x, x.memory)
	x.writer, x.body = w, r.Body
	x.control = http.NewResponseController(w)
	x.bodyBegun, x.bodyDone, x.noBody, x.broken, x.left = false, false, false, false, -1
	x.text, x.header = x.text[:0], x.header[:0]

	// net/http omits the 100 here; see session.Session for the client that needs it.
	x.invite = r.ContentLength == 0 && r.ProtoAtLeast(1, 1) &&
		strings.EqualFold(r.Header.Get("Expect"), "100-continue")

	req := &x.Request
	req.Received = time.Now()
	req.Method = x.keep(r.Method)
	req.Target = originForm(x.keep(r.RequestURI))
	req.Path, req.Query, _ = bytes.Cut(req.Target, []byte("?"))
	req.Host = x.keep(r.Host)
	req.ContentLength = r.ContentLength
	req.MinorVersion = r.ProtoMinor
	if x.http2 = r.ProtoMajor > 1; x.http2 {
		req.MinorVersion = 1 // what HTTP/1.1 can, HTTP/2 can
	}
	req.TLS = r.TLS != nil
	req.Remote, _ = netip.ParseAddrPort(r.RemoteAddr) // zero for what is not TCP

	// net/http takes these two out of the fields.
	x.addHeader("Host", r.Host)
	for _, coding := range r.TransferEncoding {
		x.addHeader("Transfer-Encoding", coding)
	}
	for name, values := range r.Header {
		for _, value := range values {
			x.addHeader(name, value)
		}
	}
	req.Header = x.header
}

func (x *exchange) end() {
	x.memory.Reset()
	x.writer, x.control, x.body = nil, nil, nil
	x.Reset(nil, nil)
	x.server.exchanges.Put(x)
}

// keep copies s; slices cut earlier stay valid when the buffer moves.
func (x *exchange) keep(s string) []byte {
	start := len(x.text)
	x.text = append(x.text, s...)
	return x.text[start:len(x.text):len(x.text)]
}

func (x *exchange) addHeader(name, value string) {
	x.header = append(x.header, netloop.Field{Name: x.keep(name), Value: x.keep(value)})
}

// originForm cuts scheme and authority from an absolute-form target.
func originForm(target []byte) []byte {
	_, rest, absolute := bytes.Cut(target, []byte("://"))
	if !absolute || target[0] == '/' {
		return target
	}
	if i := bytes.IndexAny(rest, "/?"); i >= 0 && rest[i] == '/' {
		return rest[i:]
	}
	return []byte("/")
}

// ReadBody implements netloop.Transport. net/http answers Expect on the first Read.
func (x *exchange) ReadBody(p []byte) (int, error) {
	if !x.bodyBegun {
		x.bodyBegun = true
		x.rate.Start(&x.server.config.Limits)
		if x.invite {
			x.writer.WriteHeader(http.StatusContinue)
			x.invite = false
		}
	}
	if err := x.control.SetReadDeadline(x.rate.Wait(time.Now())); err != nil {
		return 0, fmt.Errorf("nethttp: set read deadline: %w", err)
	}
	n, err := x.body.Read(p)
	fast := x.rate.Add(n, time.Now())
	if x.http2 { // whose deadline would break the body also while nobody reads
		_ = x.control.SetReadDeadline(time.Time{})
	}
	switch {
	case err == io.EOF && n > 0:
		return n, nil // the end is for the next call
	case err == io.EOF:
		x.bodyDone = true
		_ = x.control.SetReadDeadline(time.Time{})
		return n, io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && !fast:
		x.server.counters.TimedOut.Add(1)
		return n, netloop.ErrBodyTooSlow
	case err != nil:
		return n, fmt.Errorf("%w: %w", netloop.ErrBodyTruncated, err)
	}
	return n, nil
}

// Send implements netloop.Transport.
func (x *exchange) Send(head *netloop.ResponseHead, bufs [][]byte) error {
	if head != nil {
		if err := x.sendHead(head); err != nil {
			x.broken = true
			return err
		}
	}
	if x.noBody {
		return nil
	}
	for _, b := range bufs {
		if x.left >= 0 {
			if int64(len(b)) > x.left {
				x.broken = true
				return errBodyLength
			}
			x.left -= int64(len(b))
		}
		if err := x.write(b); err != nil {
			return peerGone(err)
		}
	}
	if x.left == 0 || len(bufs) == 0 {
		return nil // net/http flushes when the handler is done
	}
	if err := x.control.Flush(); err != nil {
		return peerGone(err)
	}
	return nil
}

// write sends p. In HTTP/2 it gives each piece its deadline, which conn.Write cannot: a client
// that does not open its window keeps the stream from the socket.
func (x *exchange) write(p []byte) error {
	for pieceBytes := len(p); len(p) > 0; p = p[pieceBytes:] {
		if x.http2 {
			pieceBytes = min(len(p), writePieceBytes)
			by := time.Now().Add(x.server.config.Limits.WriteTimeout)
			if err := x.control.SetWriteDeadline(by); err != nil {
				return err
			}
		}
		_, err := x.writer.Write(p[:pieceBytes])
		if x.http2 && errors.Is(err, os.ErrDeadlineExceeded) {
			x.server.counters.TimedOut.Add(1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) sendHead(head *netloop.ResponseHead) error {
	fields := x.writer.Header()
	fields["Content-Type"] = nil // nothing is guessed from the body
	for _, f := range head.Fields {
		if bytes.ContainsAny(f.Name, "\r\n\x00") || bytes.ContainsAny(f.Value, "\r\n\x00") {
			return errFieldValue
		}
		name := string(f.Name) // as spelled, ETag stays ETag
		if netloop.EqualFold(f.Name, "content-type") {
			name = "Content-Type"
		}
		fields[name] = append(fields[name], string(f.Value))
	}
	isHead := string(x.Request.Method) == "HEAD"
	x.noBody = isHead || head.Status == 204 || head.Status == 304
	x.left = head.ContentLength
	if head.ContentLength >= 0 && head.Status != 204 &&
		(head.Status != 304 || head.ContentLength > 0) {
		fields["Content-Length"] = []string{strconv.FormatInt(head.ContentLength, 10)}
	}
	if head.Close || x.invite {
		fields["Connection"] = []string{"close"}
	}
	x.writer.WriteHeader(head.Status)
	return nil
}

func peerGone(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return netloop.ErrPeerGone
	}
	return fmt.Errorf("%w: %w", netloop.ErrPeerGone, err)
}
