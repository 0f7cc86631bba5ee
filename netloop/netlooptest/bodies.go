package netlooptest

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"

	"flashstore/netloop"
)

func (s *suite) continues(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	body := pattern(100_000)
	for range 3 {
		c.send("PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
			"Content-Length: 100000\r\n\r\n")
		line, err := c.in.ReadString('\n')
		if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if line, err = c.in.ReadString('\n'); err != nil || line != "\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		c.send(string(body))
		c.want(200, string(body))
	}
}

// emptyContinue: the 100 comes even where no body does, for a client that cannot do without;
// where the handler does not look for a body, the connection ends.
func (s *suite) emptyContinue(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	const fields = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
	for range 3 {
		c.send("PUT /echo" + fields)
		for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
			if line, err := c.in.ReadString('\n'); err != nil || line != want {
				t.Fatalf("%q, %v", line, err)
			}
		}
		c.want(200, "")
	}
	c.send("PUT /refuse" + fields)
	if resp := c.want(403, "no"); !resp.Close {
		t.Error("the connection is to live on")
	}
	c.wantEnd()
}

// refusedContinue: the body is not invited, and what comes all the same is no request.
func (s *suite) refusedContinue(t *testing.T) {
	r := start(t, s, nil)
	for _, prefix := range []string{"", "/inline"} {
		c := r.dial()
		c.send("PUT " + prefix + "/refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
			"Content-Length: 100\r\n\r\n")
		if resp := c.want(403, "no"); !resp.Close {
			t.Error("the connection is to live on")
		}
		_, _ = io.WriteString(c, get("/smuggled"))
		c.wantEnd()
	}
	if n := r.handler.calls.Load(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// unreadBody: a small one is dropped and the connection lives; behind a large one nothing is
// read as a request, and the answer arrives nevertheless.
func (s *suite) unreadBody(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for _, prefix := range []string{"", "/inline"} {
		for _, n := range []int{1, 1000, 100_000} {
			c.send(put(prefix+"/refuse", pattern(n)), get("/next"))
			c.want(403, "no")
			c.want(200, "/next")
			c.send(putChunked(prefix+"/refuse", pattern(n), 999), get("/next"))
			c.want(403, "no")
			c.want(200, "/next")
		}
		// The body comes only after the answer.
		c.send("DELETE " + prefix + "/refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
		if !s.traits.NetHTTP { // which reads before it answers
			c.want(403, "no")
		}
		c.send("12345", get("/next"))
		if s.traits.NetHTTP {
			c.want(403, "no")
		}
		c.want(200, "/next")
	}
	before := r.handler.calls.Load()
	for _, request := range []string{
		put("/refuse", pattern(3<<20)), putChunked("/refuse", pattern(3<<20), 1<<16),
		put("/inline/refuse", pattern(3<<20)),
	} {
		c := r.dial()
		go func() {
			_, _ = io.WriteString(c, request)
			_, _ = io.WriteString(c, get("/smuggled"))
		}()
		c.want(403, "no")
		c.wantEnd()
	}
	if n := r.handler.calls.Load() - before; n != 3 {
		t.Errorf("%d calls", n)
	}
}

// slowUnread: an unread body is dropped for a while only, however fast it comes. The head behind
// one that came in time has its own time.
func (s *suite) slowUnread(t *testing.T) {
	const inTime = 2 * time.Second // for a client that may be slow itself
	next := start(t, s, func(l *netloop.Limits) { l.DrainTimeout = inTime }).dial()
	next.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
	if s.traits.NetHTTP { // it reads before it answers
		next.send("12345")
		next.want(403, "no")
		next.send("GET /x HTTP/1.1\r\nHo")
	} else {
		next.want(403, "no")
		next.send("12345GET /x HTTP/1.1\r\nHo")
	}
	sent := time.Now()
	r := start(t, s, func(l *netloop.Limits) { l.DrainTimeout = 300 * time.Millisecond })
	for _, head := range []string{"PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n",
		"PUT /inline/refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n",
		"PUT /refuse HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n"} {
		c := r.dial()
		began := time.Now()
		c.send(head)
		ended := c.drip()
		c.want(403, "no")
		c.wantEnd()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%.20q: cut after %v", head, took)
		}
		_ = c.Close()
		<-ended
	}
	if n := r.server.Stats().TimedOut; n != 3 && !s.traits.NetHTTP {
		t.Errorf("%d timed out", n)
	}
	s.wait(t, "the body's time to pass", func() bool { return time.Since(sent) > inTime+inTime/4 })
	next.send("st: h\r\n\r\n")
	next.want(200, "/x")
}

func (s *suite) brokenBodies(t *testing.T) {
	r := start(t, s, nil)
	for _, prefix := range []string{"", "/inline"} {
		for _, path := range []string{"/abort?declared", "/abort", "/short", "/short?nothing"} {
			c := r.dial()
			c.send(get(prefix + path))
			c.wantBroken()
		}
		c := r.dial()
		c.send("GET " + prefix + "/abort HTTP/1.0\r\n\r\n") // only a reset can tell
		c.wantBroken()

		c = r.dial()
		c.send(get(prefix+"/long") + get("/next"))
		resp, err := io.ReadAll(c.in)
		if bytes.Contains(resp, pattern(11)) || bytes.Contains(resp, []byte("/next")) {
			t.Errorf("%q, %v: more than was declared", resp, err)
		}
	}
	select {
	case err := <-r.handler.bodyErr:
		t.Error(err)
	default:
	}
	if n := r.server.Stats().AbortedReplies; n != 12 {
		t.Errorf("%d aborted replies", n)
	}
}

func (s *suite) truncatedBody(t *testing.T) {
	r := start(t, s, nil)
	for _, request := range []string{
		"PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345",
		"PUT /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
		"PUT /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
		"PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
	} {
		c := r.dial()
		c.send(request)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := <-r.handler.bodyErr; !errors.Is(err, netloop.ErrBodyTruncated) {
			t.Errorf("%q: %v", request, err)
		}
		c.want(400, "")
		c.wantEnd()
	}
}

// slowBody: less than the minimum rate is cut, more is not, however long it takes.
func (s *suite) slowBody(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) {
		l.BodyRateMin, l.BodyRateWindow = 20, 600*time.Millisecond
	})
	c := r.dial()
	c.send("PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n1234")
	if err := <-r.handler.bodyErr; !errors.Is(err, netloop.ErrBodyTooSlow) {
		t.Errorf("%v", err)
	}
	c.want(400, "")
	c.wantEnd()
	if r.server.Stats().TimedOut != 1 {
		t.Errorf("%+v", r.server.Stats())
	}

	piece := string(pattern(34))              // before the clock runs: the first call takes its time
	r = start(t, s, func(l *netloop.Limits) { // a window in which a client may stand still itself
		l.BodyRateMin, l.BodyRateWindow = 20, 1500*time.Millisecond
	})
	c = r.dial()
	c.send("PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1020\r\n\r\n")
	for range 30 { // 34 bytes each 125 ms, where 30 in a window would do: for 2.5 windows
		c.send(piece)
		time.Sleep(125 * time.Millisecond)
	}
	c.want(200, "1020")
}

// slowReader takes a large answer in small pieces through a small window.
func (s *suite) slowReader(t *testing.T) {
	r := start(t, s, nil)
	const n = 5 << 20
	for _, prefix := range []string{"", "/inline"} {
		c := r.dial()
		if err := c.SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		c.send(get(prefix+"/size?"+strconv.Itoa(n)), get("/next"))
		c.want(200, string(pattern(n)))
		c.want(200, "/next")
	}
}

// slowInline: the loop goes on with others while one of its answers is stuck.
func (s *suite) slowInline(t *testing.T) {
	r := start(t, s, nil)
	var stuck []*client
	for range 8 {
		c := r.dial()
		c.send(get("/inline/size?"+strconv.Itoa(6<<20)), get("/inline/next"))
		stuck = append(stuck, c)
	}
	for range 8 {
		c := r.dial()
		c.send(get("/inline/x"))
		c.want(200, "/inline/x")
	}
	for _, c := range stuck {
		c.want(200, string(pattern(6<<20)))
		c.want(200, "/inline/next")
	}
}

func (s *suite) writeTimeout(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.WriteTimeout = 300 * time.Millisecond })
	for i, prefix := range []string{"", "/inline"} {
		c := r.dial()
		c.send(get(prefix + "/size?" + strconv.Itoa(32<<20)))
		s.wait(t, "the connection to be cut", func() bool {
			stats := r.server.Stats()
			return stats.Connections == 0 && stats.TimedOut == uint64(i+1)
		})
		c.wantBroken()
	}
}
