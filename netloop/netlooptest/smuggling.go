package netlooptest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
)

// malformed: refused, no handler called, nothing behind it read as a request; alone, behind
// requests that are answered first, and in pieces.
func (s *suite) malformed(t *testing.T) {
	r := start(t, s, nil)
	lax := map[string]string{}
	if s.traits.NetHTTP {
		lax = netHTTPReads()
	}
	for _, m := range MalformedMessages() {
		t.Run(m.Title(), func(t *testing.T) {
			if why := lax[m.Title()]; why != "" {
				if why != waits {
					s.notRefused(t, r, &m)
				}
				t.Skip("net/http: " + why)
			}
			// net/http closes before it has read what comes later, and its answer is lost.
			if len(m.Bytes) < 1<<10 && !s.traits.NetHTTP {
				s.refused(t, r, &m, "", 7)
			}
			for _, first := range []string{"", "/first", "/inline/first"} {
				s.refused(t, r, &m, first, 1<<20)
			}
		})
	}
}

// refused sends m in pieces, after a request for first if there is one.
func (s *suite) refused(t *testing.T, r *running, m *Malformed, first string, pieceBytes int) {
	t.Helper()
	before, want := r.handler.calls.Load(), int64(0)
	c := r.dialFor(t)
	defer c.Close()
	stream := m.Bytes + get("/smuggled") + get("/smuggled")
	if first != "" {
		stream = get(first) + stream
		want++
	}
	if m.Body {
		want++
	}
	for len(stream) > 0 { // it may break in the middle
		n := min(len(stream), pieceBytes)
		if _, err := io.WriteString(c, stream[:n]); err != nil {
			break
		}
		stream = stream[n:]
	}
	if first != "" {
		c.want(200, first)
	}
	resp, body := c.answer("GET")
	own := s.traits.NetHTTP && (resp.StatusCode/100 == 4 || resp.StatusCode == 501)
	if resp.StatusCode != m.Status && !own {
		t.Errorf("%d %q, want %d", resp.StatusCode, body, m.Status)
	}
	if !resp.Close {
		t.Error("no Connection: close")
	}
	c.wantEnd()
	if calls := r.handler.calls.Load() - before; calls != want {
		t.Errorf("%d calls, want %d", calls, want)
	}
}

// refusedUnread: the same faults in a body that the handler does not read. It answers; then
// the connection ends.
func (s *suite) refusedUnread(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http reads chunks as it likes")
	}
	r := start(t, s, nil)
	sent := int64(0)
	for _, m := range MalformedMessages() {
		if !m.Body {
			continue
		}
		for _, path := range []string{"/refuse", "/inline/refuse"} {
			sent++
			c := r.dial()
			stream := strings.Replace(m.Bytes, "/body", path, 1)
			c.send(stream + get("/smuggled") + get("/smuggled"))
			c.want(403, "no")
			c.wantEnd()
			_ = c.Close()
		}
	}
	if n := r.handler.calls.Load(); n != sent {
		t.Errorf("%d calls, want %d", n, sent)
	}
}

// garbageAfter: what follows a valid request, whoever answered it, is refused on its own.
func (s *suite) garbageAfter(t *testing.T) {
	r := start(t, s, nil)
	for _, first := range []string{get("/first"), get("/inline"), put("/echo", []byte("/first"))} {
		c := r.dial()
		c.send(first + "garbage\r\n\r\n" + get("/smuggled")) // at once: then it hangs up
		resp, body := c.answer("GET")
		if resp.StatusCode != 200 {
			t.Fatalf("%d %q", resp.StatusCode, body)
		}
		resp, _ = c.answer("GET")
		if resp.StatusCode != 400 || !resp.Close {
			t.Fatalf("%d, close %v", resp.StatusCode, resp.Close)
		}
		c.wantEnd()
	}
	if n := r.handler.calls.Load(); n != 3 {
		t.Errorf("%d calls", n)
	}
}

// bodiesAnywhere: a body belongs to its request whatever the method, and whether or not the
// handler reads it; here it looks like a request.
func (s *suite) bodiesAnywhere(t *testing.T) {
	r := start(t, s, nil)
	body := get("/smuggled")
	sent := int64(0)
	methods := []string{"GET", "HEAD", "DELETE", "OPTIONS", "POST", "TRACE", "patch", "M"}
	for _, method := range methods {
		for _, path := range []string{"/body", "/refuse", "/inline/refuse"} {
			head := method + " " + path + " HTTP/1.1\r\nHost: h\r\n"
			for _, request := range []string{
				fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
				fmt.Sprintf("%sContent-Length: 0%d\r\n\r\n%s", head, len(body), body),
				fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head,
					len(body), body),
			} {
				c := r.dial()
				c.send(request, get("/next"))
				resp, _ := c.answer(method)
				if want := map[bool]int{true: 200, false: 403}[path == "/body"]; resp.StatusCode != want {
					t.Fatalf("%q: %d, want %d", request, resp.StatusCode, want)
				}
				sent++
				if !resp.Close {
					c.want(200, "/next")
					sent++
				}
				_ = c.CloseWrite()
				c.wantEnd()
				_ = c.Close()
			}
		}
	}
	if n := r.handler.calls.Load(); n != sent {
		t.Errorf("%d calls, want %d", n, sent)
	}
}

// oneReading: what has one meaning only is taken in that meaning.
func (s *suite) oneReading(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for _, request := range []struct{ message, answer string }{
		{"PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 010\r\n\r\n0123456789", "10"},
		{"PUT /body HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n" +
			"0\r\n\r\n", "5"},
		{"PUT /body HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\n\r\n", "0"},
		{"PUT /body HTTP/1.1\r\nHost: h\r\nX-Transfer-Encoding: chunked\r\n\r\n", "0"},
		{"PUT /body HTTP/1.1\r\nHost: h\r\nConnection: Content-Length\r\nContent-Length: 3\r\n\r\n0\r\n",
			"3"},
		{"PUT /body HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nPRI", "3"},
		{chunkedHead + "00000000000005;a=\"b\"\r\n12345\r\n000\r\n\r\n", "5"},
		{"GET http://h/request HTTP/1.1\r\nHost: H\r\n\r\n",
			"GET /request ?  @ h x-test= false length=0 minor=1"},
	} {
		c.send(request.message, get("/next"))
		c.want(200, request.answer)
		c.want(200, "/next")
	}
	// A trailer is read and dropped: the fields stay what they were when the handler began.
	c.send("PUT /trailer HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Test\r\n"+
		"X-Test: head\r\n\r\n3\r\nabc\r\n0\r\nX-Test: trailer\r\nX-More: a\r\n\r\n", get("/next"))
	c.want(200, "x-test=head x-more=")
	c.want(200, "/next")
}

// headLimits: what a head may be, and not a byte or field more.
func (s *suite) headLimits(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) {
		l.HeadBytesMax, l.HeaderCountMax, l.TargetBytesMax = 6000, 12, 300
	})
	target := func(n int) string {
		return "GET /" + strings.Repeat("a", n-1) + " HTTP/1.1\r\nHost: h\r\n\r\n"
	}
	count := func(n int) string {
		return "GET /x HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", n-1) + "\r\n"
	}
	size := func(n int) string {
		head := "GET /x HTTP/1.1\r\nHost:h\r\nX-A:\r\n\r\n"
		return strings.Replace(head, "X-A:", "X-A:"+strings.Repeat("a", n-len(head)), 1)
	}
	for _, one := range []struct {
		name   string
		make   func(int) string
		most   int
		status int
	}{{"target", target, 300, 414}, {"fields", count, 12, 431}, {"bytes", size, 6000, 431}} {
		c := r.dial()
		c.send(one.make(one.most))
		if resp, _ := c.answer("GET"); resp.StatusCode != 200 {
			t.Errorf("%s: %d at the limit", one.name, resp.StatusCode)
		}
		c.send(one.make(one.most + 1))
		if resp, _ := c.answer("GET"); resp.StatusCode != one.status {
			t.Errorf("%s: %d past the limit, want %d", one.name, resp.StatusCode, one.status)
		}
		c.wantEnd()
	}
	if n := r.server.Stats().Malformed; n != 3 {
		t.Errorf("%d counted", n)
	}
}

// continueThenSilence: a client that was invited and sends nothing is cut by the body's rate.
func (s *suite) continueThenSilence(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) {
		l.BodyRateMin, l.BodyRateWindow = 100, 300*time.Millisecond
	})
	c := r.dial()
	begin := time.Now()
	c.send("PUT /body HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	if resp, _ := c.answer("PUT"); resp.StatusCode != 100 {
		t.Fatalf("%d, want 100", resp.StatusCode)
	}
	c.want(400, "")
	c.wantEnd()
	if took := time.Since(begin); took > 5*time.Second || r.server.Stats().TimedOut != 1 {
		t.Errorf("took %v, %+v", took, r.server.Stats())
	}
}
