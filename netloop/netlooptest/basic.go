package netlooptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func (s *suite) request(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	c.send("PUT /request?a=%20&b HTTP/1.1\r\nHost: h:1\r\n" +
		"x-TEST:  v w \r\nContent-Length: 3\r\n\r\nabc")
	resp := c.want(200, "PUT /request ? a=%20&b @ h:1 x-test=v w true length=3 minor=1")
	if resp.Header.Get("X-Answer") != "a b" || resp.Header.Get("Date") == "" {
		t.Errorf("%v", resp.Header)
	}
	c.send("GET http://h:1/request HTTP/1.1\r\nHost: h:1\r\n\r\n")
	c.want(200, "GET /request ?  @ h:1 x-test= false length=0 minor=1")
	c.send(get("/a//../b%2Fc/./?x=/../"))
	c.want(200, "/a//../b%2Fc/./?x=/../")
	c.send(get("/empty"))
	if resp := c.want(200, ""); resp.ContentLength != 0 || resp.Header.Get("Content-Type") != "" {
		t.Errorf("length %d, %v", resp.ContentLength, resp.Header)
	}
}

func (s *suite) keepAlive(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for i := range 20 {
		path := fmt.Sprintf("/%d", i)
		if i < 10 { // later ones may be answered by the worker that has the connection
			path = "/inline" + path
		}
		c.send(get(path))
		c.want(200, path)
	}
	stats := r.server.Stats()
	if stats.Accepted != 1 || stats.Requests != 20 || stats.Connections != 1 ||
		stats.ReadBytes == 0 || stats.WrittenBytes == 0 {
		t.Errorf("%+v", stats)
	}
	want := map[bool]uint64{true: 10}[s.traits.Inline]
	s.wait(t, "the inline answers to be counted", func() bool {
		return r.server.Stats().Inline == want
	})
	for _, request := range []string{
		"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", get("/close"),
	} {
		c := r.dial()
		c.send(request)
		if resp, _ := c.answer("GET"); !resp.Close {
			t.Error("no Connection: close")
		}
		c.wantEnd()
	}
}

// counted: who has an answer finds its write in the counters. The client spins, so that it has the
// answer while the server's thread is still on its way out of the call.
func (s *suite) counted(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	socket, plain := c.stream.(*net.TCPConn)
	if !plain {
		socket = c.stream.(*secureStream).tcp
	}
	c.send(get("/inline"))
	c.want(200, "/inline")
	s.pause(t, 50*time.Millisecond) // a handshake has writes of its own, and all are counted by now
	before := r.server.Stats().WriteCalls
	for i := range uint64(2000) {
		c.send(get("/inline"))
		spin(t, socket)
		c.want(200, "/inline")
		if n := r.server.Stats().WriteCalls - before; n < i+1 {
			t.Fatalf("%d answers, %d writes counted", i+1, n)
		}
	}
}

// spinMax is long for an answer, and short for one P: who spins keeps the server from it.
const spinMax = time.Millisecond

// spin returns once there is something to read, or after spinMax.
func spin(t *testing.T, socket syscall.Conn) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	peeked := error(unix.EAGAIN)
	end := time.Now().Add(spinMax)
	err = raw.Control(func(fd uintptr) {
		for first := make([]byte, 1); peeked == unix.EAGAIN && time.Now().Before(end); {
			_, _, peeked = unix.Recvfrom(int(fd), first, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		}
	})
	if peeked == unix.EAGAIN {
		peeked = nil
	}
	if err := errors.Join(err, peeked); err != nil {
		t.Fatal(err)
	}
}

// pipelined: many requests before the first answer is read, inline and not, with bodies.
func (s *suite) pipelined(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	const count = 10_000
	sent := make(chan error, 1)
	go func() {
		var all strings.Builder
		for i := range count {
			switch i % 3 {
			case 0:
				all.WriteString(get("/inline/n" + strconv.Itoa(i)))
			case 1:
				all.WriteString(get("/n" + strconv.Itoa(i)))
			default:
				all.WriteString(put("/echo", []byte(strconv.Itoa(i))))
			}
		}
		_, err := io.WriteString(c, all.String())
		sent <- err
	}()
	for i := range count {
		want := strconv.Itoa(i)
		switch i % 3 {
		case 0:
			want = "/inline/n" + want
		case 1:
			want = "/n" + want
		}
		c.want(200, want)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func (s *suite) byteByByte(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for _, request := range []string{
		put("/echo", []byte("hello")), putChunked("/echo", []byte("hello"), 2), put("/inline", nil),
	} {
		for i := range len(request) {
			c.send(request[i : i+1])
		}
		if strings.Contains(request, "inline") {
			c.want(200, "/inline")
		} else {
			c.want(200, "hello")
		}
	}
}

func (s *suite) bodies(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for _, n := range []int{0, 1, 4095, 4096, 64 << 10, 5 << 20} {
		body := pattern(n)
		for _, request := range []string{
			put("/echo", body), put("/echo-chunked", body), putChunked("/echo", body, 10_000),
			putChunked("/echo-chunked", body, 1<<20),
		} {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(c, request)
			}()
			resp, got := c.answer("PUT")
			<-sent
			if resp.StatusCode != 200 || !bytes.Equal(got, body) {
				t.Fatalf("%.40q: %d, %d bytes", request, resp.StatusCode, len(got))
			}
		}
	}
}

func (s *suite) smallChunks(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	body := pattern(3000)
	c.send(putChunked("/echo", body, 1), get("/next"))
	c.want(200, string(body))
	c.want(200, "/next")
}

func (s *suite) headAndStatuses(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	for _, prefix := range []string{"", "/inline"} {
		c.send("HEAD "+prefix+"/head HTTP/1.1\r\nHost: h\r\n\r\n", get("/after"))
		resp, body := c.answer("HEAD")
		if resp.StatusCode != 200 || resp.ContentLength != 1000 || len(body) != 0 {
			t.Fatalf("%d, %d, %d bytes", resp.StatusCode, resp.ContentLength, len(body))
		}
		c.want(200, "/after")
		for _, status := range []int{204, 304} {
			c.send(get(prefix+"/"+strconv.Itoa(status)), get("/after"))
			resp := c.want(status, "")
			if resp.Header.Get("Content-Length") != "" || len(resp.TransferEncoding) > 0 {
				t.Errorf("%d: %v %v", status, resp.Header, resp.TransferEncoding)
			}
			c.want(200, "/after")
		}
	}
}

func (s *suite) http10(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	c.send("GET /x HTTP/1.0\r\n\r\n")
	c.want(200, "/x")
	c.wantEnd()

	c = r.dial()
	for range 3 {
		c.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if resp := c.want(200, "/x"); resp.Header.Get("Connection") != "keep-alive" {
			t.Errorf("%v", resp.Header)
		}
	}
	// A body of unknown length ends with the connection, and is never chunked.
	body := pattern(100_000)
	c.send("PUT /echo-chunked HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 100000\r\n\r\n",
		string(body))
	resp, got := c.answer("PUT")
	if !bytes.Equal(got, body) || len(resp.TransferEncoding) > 0 {
		t.Fatalf("%d bytes, %v", len(got), resp.TransferEncoding)
	}
	c.wantEnd()
}
