package netlooptest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"flashstore/netloop"
)

// handler answers by path. Paths that start with /inline are answered by TryHandle where the
// server tries that, and by Handle elsewhere.
type handler struct {
	calls   atomic.Int64
	bodyErr chan error    // what /body met, if anybody listens
	entered chan struct{} // /block tells that it runs
	leave   chan struct{} // and waits for this
	tls     bool          // requests come over TLS
}

func newHandler(tls bool) *handler {
	return &handler{bodyErr: make(chan error, 16), entered: make(chan struct{}, 1024),
		leave: make(chan struct{}), tls: tls}
}

var (
	_ netloop.InlineHandler = (*handler)(nil)
	_ netloop.BusyHandler   = (*handler)(nil)
)

const busyText = "later"

// Busy refuses a request.
func (h *handler) Busy(ex *netloop.Exchange) {
	ex.SetStatus(503)
	reply(ex, []byte(busyText))
}

func (h *handler) TryHandle(ex *netloop.Exchange) bool {
	if !bytes.HasPrefix(ex.Request.Path, []byte("/inline")) {
		return false
	}
	h.Handle(ex)
	return true
}

func (h *handler) Handle(ex *netloop.Exchange) {
	h.calls.Add(1)
	path := ex.Request.Path
	if rest, ok := bytes.CutPrefix(path, []byte("/inline")); ok {
		path = rest
	}
	answers := map[string]func(*netloop.Exchange){
		"/echo": h.echo, "/echo-chunked": h.echo, "/body": h.body, "/size": h.size,
		"/head": h.head, "/abort": h.abort, "/short": h.short, "/long": h.long,
		"/inject": h.inject, "/block": h.block, "/refuse": h.refuse, "/empty": h.empty,
		"/request": h.request, "/trailer": h.trailer, "/close": h.close,
		"/204": h.status(204), "/304": h.status(304),
	}
	answer, ok := answers[string(path)]
	if !ok {
		answer = h.text
	}
	answer(ex)
}

func reply(ex *netloop.Exchange, body []byte) {
	ex.SetContentLength(int64(len(body)))
	_ = ex.Write(body)
}

// text answers with the target.
func (h *handler) text(ex *netloop.Exchange) { reply(ex, ex.Request.Target) }

// empty writes nothing at all.
func (h *handler) empty(*netloop.Exchange) {}

func (h *handler) close(ex *netloop.Exchange) {
	ex.CloseAfter()
	h.text(ex)
}

func (h *handler) status(status int) func(*netloop.Exchange) {
	return func(ex *netloop.Exchange) { ex.SetStatus(status) }
}

// echo answers with the body of the request, in pieces that use the arena.
func (h *handler) echo(ex *netloop.Exchange) {
	var all bytes.Buffer
	piece := ex.Memory.Alloc(10_000)
	for {
		n, err := ex.ReadBody(piece)
		all.Write(piece[:n])
		if err == io.EOF {
			break
		}
		if err != nil || n == 0 {
			h.failed(ex, err)
			return
		}
	}
	body := all.Bytes()
	if !bytes.HasSuffix(ex.Request.Path, []byte("chunked")) {
		ex.SetContentLength(int64(len(body)))
	}
	for len(body) > 0 {
		n := min(len(body), 300_000)
		if err := ex.Write(body[:n/3], body[n/3:n/2], nil, body[n/2:n]); err != nil {
			return
		}
		body = body[n:]
	}
}

func (h *handler) failed(ex *netloop.Exchange, err error) {
	select {
	case h.bodyErr <- err:
	default:
	}
	ex.SetStatus(400)
	ex.SetContentLength(0)
	ex.CloseAfter()
}

// body reads the body and answers its length.
func (h *handler) body(ex *netloop.Exchange) {
	n, err := io.Copy(io.Discard, struct{ io.Reader }{ex})
	if err != nil {
		h.failed(ex, err)
		return
	}
	reply(ex, strconv.AppendInt(nil, n, 10))
}

// size answers with as many bytes as the query says: see pattern.
func (h *handler) size(ex *netloop.Exchange) {
	n, err := strconv.Atoi(string(ex.Request.Query))
	if err != nil {
		ex.SetStatus(400)
		return
	}
	reply(ex, pattern(n))
}

// head says what a GET would send, and sends it unless it is a HEAD.
func (h *handler) head(ex *netloop.Exchange) { reply(ex, pattern(1000)) }

// request answers with what was understood of the request.
func (h *handler) request(ex *netloop.Exchange) {
	r := &ex.Request
	value, found := r.Lookup("x-test")
	out := []byte(string(r.Method) + " " + string(r.Path) + " ? " + string(r.Query) + " @ " +
		string(r.Host) + " x-test=" + string(value) + " " + strconv.FormatBool(found) + " length=" +
		strconv.FormatInt(r.ContentLength, 10) + " minor=" + strconv.Itoa(r.MinorVersion))
	if !r.Remote.IsValid() || r.Received.IsZero() || r.TLS != h.tls {
		out = append(out, " and no remote or time, or TLS is wrong"...)
	}
	ex.AddField([]byte("X-Answer"), []byte("a b"))
	reply(ex, out)
}

// trailer reads the body and answers what the fields say then.
func (h *handler) trailer(ex *netloop.Exchange) {
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{ex}); err != nil {
		h.failed(ex, err)
		return
	}
	test, _ := ex.Request.Lookup("x-test")
	more, _ := ex.Request.Lookup("x-more")
	reply(ex, []byte("x-test="+string(test)+" x-more="+string(more)))
}

// abort gives up in the middle: of 1,000 bytes, or of a body of unknown length.
func (h *handler) abort(ex *netloop.Exchange) {
	if string(ex.Request.Query) == "declared" {
		ex.SetContentLength(1000)
	}
	_ = ex.Write(pattern(500))
	ex.Abort()
}

// short declares more than it writes and does not say so.
func (h *handler) short(ex *netloop.Exchange) {
	ex.SetContentLength(1000)
	if string(ex.Request.Query) != "nothing" {
		_ = ex.Write(pattern(999))
	}
}

// long writes more than it declared.
func (h *handler) long(ex *netloop.Exchange) {
	ex.SetContentLength(10)
	_ = ex.Write(pattern(10))
	if err := ex.Write(pattern(1)); err == nil {
		h.bodyErr <- errors.New("more than was declared was accepted")
	}
}

// inject tries to add a field through a value.
func (h *handler) inject(ex *netloop.Exchange) {
	ex.AddField([]byte("X-A"), []byte("a\r\nX-Injected: b"))
	reply(ex, []byte("body"))
}

func (h *handler) block(ex *netloop.Exchange) {
	h.entered <- struct{}{}
	<-h.leave
	h.text(ex)
}

// refuse answers without looking at the body.
func (h *handler) refuse(ex *netloop.Exchange) {
	ex.SetStatus(403)
	reply(ex, []byte("no"))
}

// pattern is n bytes, up to patternBytesMax, that tell their position. Not to be changed.
func pattern(n int) []byte { return wholePattern()[:n] }

const patternBytesMax = 32 << 20

var wholePattern = sync.OnceValue(func() []byte {
	out := make([]byte, patternBytesMax)
	for i := 0; i < len(out); i += 8 {
		binary.BigEndian.PutUint64(out[i:], uint64(i)*0x9E3779B97F4A7C15)
	}
	return out
})
