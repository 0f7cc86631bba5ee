package netlooptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"flashstore/netloop"
)

// running is a server under test.
type running struct {
	*testing.T
	server  netloop.Server
	handler *handler
	address string
	tls     *tls.Config // of clients; nil: no TLS
}

func start(t *testing.T, s *suite, change func(*netloop.Limits)) *running {
	t.Helper()
	limits := netloop.DefaultLimits()
	if change != nil {
		change(&limits)
	}
	r := &running{T: t, server: s.new(t, Setup{Limits: limits, Allocator: s.memory(t), TLS: s.tls}),
		handler: newHandler(s.traits.TLS != nil), tls: s.traits.TLS}
	r.address = Serve(t, r.server, r.handler)
	return r
}

// client is one raw connection.
type client struct {
	t *testing.T
	stream
	in *bufio.Reader
}

// stream is a TCP connection, or TLS over one.
type stream interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
	SetReadBuffer(bytes int) error
}

func (r *running) dial() *client {
	r.Helper()
	return r.dialFor(r.T)
}

// dialFor is dial for a subtest.
func (r *running) dialFor(t *testing.T) *client {
	t.Helper()
	return r.connect(t, nil)
}

// dialFrom is dial from an address.
func (r *running) dialFrom(from *net.TCPAddr) *client {
	r.Helper()
	return r.connect(r.T, from)
}

func (r *running) connect(t *testing.T, from *net.TCPAddr) *client {
	t.Helper()
	d := net.Dialer{}
	if from != nil {
		d.LocalAddr = from
	}
	c, err := d.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var s stream = c.(*net.TCPConn)
	if r.tls != nil {
		s = newSecureStream(c.(*net.TCPConn), r.tls)
	}
	return &client{t: t, stream: s, in: bufio.NewReaderSize(s, 64<<10)}
}

// send writes raw bytes.
func (c *client) send(parts ...string) {
	c.t.Helper()
	for _, p := range parts {
		if _, err := io.WriteString(c, p); err != nil {
			c.t.Fatalf("send: %v", err)
		}
	}
}

// answer reads a response to a request with that method.
func (c *client) answer(method string) (*http.Response, []byte) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("the body of the answer: %v", err)
	}
	return resp, body
}

// want reads a response to a GET and compares it.
func (c *client) want(status int, body string) *http.Response {
	c.t.Helper()
	resp, got := c.answer("GET")
	if resp.StatusCode != status || string(got) != body {
		c.t.Fatalf("%d %.100q (%d bytes), want %d %.100q (%d bytes)", resp.StatusCode, got,
			len(got), status, body, len(body))
	}
	return resp
}

// read is answer for goroutines that must not end the test.
func (c *client) read() ([]byte, error) {
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, err
}

// wantEnd reads the end of the connection, after nothing else. A reset is an end too: bytes
// that nobody wanted were still under way.
func (c *client) wantEnd() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	if len(rest) > 0 {
		c.t.Fatalf("%.200q, %v, want the end", rest, err)
	}
	if isTimeout(err) {
		c.t.Fatal("the connection stays open")
	}
}

// wantBroken reads a response whose body must not end cleanly.
func (c *client) wantBroken() {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, &http.Request{Method: "GET"})
	if err != nil {
		if isTimeout(err) {
			c.t.Fatal("the connection stays open")
		}
		return
	}
	if body, err := io.ReadAll(resp.Body); err == nil || isTimeout(err) {
		c.t.Fatalf("a body of %d bytes ended with %v", len(body), err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

func put(path string, body []byte) string {
	return "PUT " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\n\r\n" + string(body)
}

// putChunked sends body in chunks of so many bytes.
func putChunked(path string, body []byte, chunkBytes int) string {
	var out bytes.Buffer
	out.WriteString("PUT " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(len(body), chunkBytes)
		out.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n")
		out.Write(body[:n])
		out.WriteString("\r\n")
		body = body[n:]
	}
	out.WriteString("0\r\n\r\n")
	return out.String()
}

// drip sends a body slowly until the connection ends; ended is closed then.
func (c *client) drip() (ended chan struct{}) {
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, err := c.Write(pattern(100)); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond) // the client's own pace
		}
	}()
	return ended
}
