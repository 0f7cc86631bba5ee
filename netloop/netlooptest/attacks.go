package netlooptest

import (
	"io"
	"net"
	"testing"
	"time"

	"flashstore/netloop"
)

func (s *suite) wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	poll(t, what, done)
}

// pause lets a deadline of the server pass, or not yet.
func (s *suite) pause(t *testing.T, length time.Duration) {
	t.Helper()
	began := time.Now()
	poll(t, "time to pass", func() bool { return time.Since(began) > length })
}

// poll waits for what another goroutine will do.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(hang); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

func (s *suite) inject(t *testing.T) {
	r := start(t, s, nil)
	for _, path := range []string{"/inject", "/inline/inject"} {
		c := r.dial()
		c.send(get(path))
		if got, _ := io.ReadAll(c.in); len(got) > 0 {
			t.Errorf("%q", got)
		}
	}
}

func (s *suite) headTimeout(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout = 300 * time.Millisecond })
	c, after := r.dial(), r.dial()
	begin := time.Now()
	c.send("GET / HTTP/1.1\r\nHost")
	after.send(get("/x"), "GET / HT") // with a request before it
	after.want(200, "/x")
	if !s.traits.NetHTTP { // which may answer 408
		c.wantEnd()
		after.wantEnd()
	} else {
		_, _ = io.ReadAll(c.in)
		_, _ = io.ReadAll(after.in)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	// One byte now and then does not help.
	c = r.dial()
	for _, b := range []byte("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	if _, err := c.Write([]byte("more")); err == nil {
		_, err = io.ReadAll(c.in)
		if isTimeout(err) {
			t.Error("a slow head goes on for ever")
		}
	}
}

func (s *suite) idleTimeout(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.IdleTimeout = 300 * time.Millisecond })
	for _, path := range []string{"/x", "/inline"} {
		c := r.dial()
		begin := time.Now() // of the request: a client may be late to read the answer
		c.send(get(path))
		c.want(200, path)
		c.wantEnd()
		if took := time.Since(begin); took < 300*time.Millisecond || took > 3*time.Second {
			t.Errorf("idle for %v", took)
		}
	}
}

// cutBetween: a client that ends, or falls silent, within its next head gets the answer before it,
// whole (RFC 9112, 9.6).
func (s *suite) cutBetween(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout = time.Second }) // a handshake's too
	body := pattern(1 << 20)
	for _, ends := range []bool{true, false} {
		c := r.dial()
		c.send(put("/echo", body), "GET /x HT")
		if ends {
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		s.wait(t, "the end", func() bool { return r.server.Stats().Connections == 0 })
		c.want(200, string(body))
		_ = c.Close()
	}
}

// slowBehindRefusal: who is refused, and goes on sending, gets the answers before that all the
// same, though it takes its time to read them (RFC 9112, 9.6).
func (s *suite) slowBehindRefusal(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http lingers for half a second")
	}
	r := start(t, s, func(l *netloop.Limits) {
		l.DrainTimeout, l.ShutdownLinger = 100*time.Millisecond, 100*time.Millisecond
	})
	c := r.dial()
	c.send(get("/size?524288"), "PUT /refuse HTTP/1.1\r\nHost: h\r\n"+
		"Content-Length: 1000000000\r\n\r\n")
	ended := c.drip()
	s.wait(t, "the refusal", func() bool { return r.handler.calls.Load() == 2 })
	s.pause(t, time.Second) // longer than others linger
	resp, got := c.answer("GET")
	if resp.StatusCode != 200 || len(got) != 512<<10 {
		t.Errorf("%d with %d bytes", resp.StatusCode, len(got))
	}
	_ = c.Close()
	<-ended
}

// halfClose: a client that has sent all it wants still gets its answers.
func (s *suite) halfClose(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http takes the end of input for the end of interest")
	}
	r := start(t, s, nil)
	for _, request := range []string{get("/x"), get("/inline"), put("/echo", pattern(100_000))} {
		c := r.dial()
		c.send(request)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if resp, _ := c.answer("GET"); resp.StatusCode != 200 {
			t.Errorf("%d", resp.StatusCode)
		}
		c.wantEnd()
	}
}

// resets: clients that vanish at any moment leave nothing behind.
func (s *suite) resets(t *testing.T) {
	r := start(t, s, nil)
	for range 10 {
		for _, request := range []string{
			"", "GET /x HT", get("/x"), get("/size?10000000"), get("/inline/size?10000000"),
			"PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc",
			"PUT /inline/refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc",
		} {
			c := r.dial()
			c.send(request)
			if err := c.SetLinger(0); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		}
	}
	s.wait(t, "all connections to end", func() bool { return r.server.Stats().Connections == 0 })
	c := r.dial()
	c.send(get("/x"))
	c.want(200, "/x")
}

func (s *suite) connectionsMax(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.ConnectionsMax = 4 })
	var open []*client
	for range 4 {
		c := r.dial()
		c.send(get("/x"))
		c.want(200, "/x")
		open = append(open, c)
	}
	r.dial().wantEnd()
	if stats := r.server.Stats(); stats.Refused != 1 || stats.Connections != 4 {
		t.Errorf("%+v", stats)
	}
	_ = open[0].Close()
	s.wait(t, "room", func() bool { return r.server.Stats().Connections == 3 })
	c := r.dial()
	c.send(get("/x"))
	c.want(200, "/x")
}

// connectionsPerAddress: who has too many connections is refused, others are not.
func (s *suite) connectionsPerAddress(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.ConnectionsPerAddress = 2 })
	other := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	serves := func(c *client) *client {
		c.send(get("/x"))
		c.want(200, "/x")
		return c
	}
	first := serves(r.dial())
	serves(r.dial())
	r.dial().wantEnd()
	serves(r.dialFrom(other))
	serves(r.dialFrom(other))
	r.dialFrom(other).wantEnd()
	if stats := r.server.Stats(); stats.Refused != 2 || stats.Connections != 4 {
		t.Errorf("%+v", stats)
	}
	_ = first.Close()
	s.wait(t, "room", func() bool { return r.server.Stats().Connections == 3 })
	serves(r.dial())
}
