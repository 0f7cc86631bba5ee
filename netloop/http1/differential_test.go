package http1_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// A differential test sends one stream of bytes to another server and to ours. Both must see the
// same requests, or ours refuses, or has closed the connection: then there is nothing behind it
// that could be read in another way. That the servers themselves see what the parser and the
// reference see is what netlooptest.Flood is for.

// seen is a request as the handler of another server saw it.
type seen struct{ method, target, body string }

func (s seen) String() string { return fmt.Sprintf("%s %s %q", s.method, s.target, s.body) }

// compare returns what is wrong: requests that theirs saw otherwise, ones that ours did not see
// though it refused nothing, or ones that theirs did not see though it has no right to refuse.
func compare(ours *netlooptest.Reading, theirs []seen, refuses func(before, m *netlooptest.Message) bool,
) error {
	for i := range ours.Messages {
		m := &ours.Messages[i]
		if i == len(theirs) {
			before := &netlooptest.Message{}
			if i > 0 {
				before = &ours.Messages[i-1]
			}
			if refuses(before, m) {
				return nil
			}
			return fmt.Errorf("theirs does not see %+v", m)
		}
		if got, want := (seen{m.Method, m.Target, m.Body}), theirs[i]; got != want {
			return fmt.Errorf("ours sees %v, theirs %v", got, want)
		}
	}
	n := len(ours.Messages)
	if len(theirs) == n || ours.Status != 0 || n > 0 && ours.Messages[n-1].Close {
		return nil
	}
	return fmt.Errorf("ours does not see %v and does not refuse", theirs[n])
}

// tally counts how streams compared, so that a test cannot pass by comparing nothing.
type tally struct {
	streams, equal, stricter, requests int
}

func (c *tally) add(ours *netlooptest.Reading, theirs []seen) {
	c.streams++
	c.requests += len(theirs)
	if len(theirs) > len(ours.Messages) {
		c.stricter++
	} else if len(theirs) == len(ours.Messages) {
		c.equal++
	}
}

func (c *tally) check(t *testing.T) {
	t.Helper()
	t.Logf("%+v", *c)
	if c.equal < c.streams/2 || c.stricter < c.streams/50 || c.requests < c.streams {
		t.Errorf("%+v: the streams compare too little", *c)
	}
}

// differentialStreams are the table, each message behind a valid one too, and count others.
func differentialStreams(seed uint64, count int) []string {
	streams := netlooptest.NewStreams(seed)
	var out []string
	const first, next = "GET /first HTTP/1.1\r\nHost: h\r\n\r\n", "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, m := range netlooptest.MalformedMessages() {
		if len(m.Bytes) < 1<<10 {
			out = append(out, m.Bytes+next, first+m.Bytes+next)
		}
	}
	for i := range uint64(count) {
		out = append(out, streams.At(i))
	}
	return out
}

// TestAgainstNetHTTP: net/http's server sees the same requests in a stream.
func TestAgainstNetHTTP(t *testing.T) {
	other := startNetHTTP(t)
	l := netloop.DefaultLimits()
	var count tally
	for _, stream := range differentialStreams(seed(t), 15_000) {
		ours, theirs := read(stream, &l, atOnce), other.read(stream)
		if err := compare(&ours, theirs, netHTTPRefuses); err != nil {
			t.Errorf("%q:\n%v\nours %+v\ntheirs %v", stream, err, ours, theirs)
		}
		count.add(&ours, theirs)
	}
	count.check(t)
}

// mayClose is true where servers differ about whether a connection lives on after m: they look for
// "close" and "keep-alive" in other ways. Where it does not, nothing is misread.
func mayClose(m *netlooptest.Message) bool {
	for _, f := range m.Fields {
		if strings.EqualFold(f[0], "Connection") &&
			(m.Minor == 0 || strings.Contains(strings.ToLower(f[1]), "close")) {
			return true
		}
	}
	return false
}

// netHTTPRefuses is true for what net/http does not like and the RFCs allow, without a doubt about
// where the request ends: targets that package url does not parse, and trailers that are announced
// but not allowed.
func netHTTPRefuses(before, m *netlooptest.Message) bool {
	if mayClose(before) {
		return true
	}
	if _, err := url.ParseRequestURI(m.Target); err != nil && m.Target != "*" {
		return true
	}
	for _, f := range m.Fields {
		if !strings.EqualFold(f[0], "Trailer") || m.Length >= 0 {
			continue
		}
		switch http.CanonicalHeaderKey(strings.TrimSpace(f[1])) {
		case "Transfer-Encoding", "Trailer", "Content-Length":
			return true
		}
	}
	return false
}

// netHTTP is net/http's server on connections in memory: no port, no waiting.
type netHTTP struct {
	conns  chan net.Conn
	closed chan struct{}
}

type connKey struct{}

func startNetHTTP(t *testing.T) *netHTTP {
	t.Helper()
	n := &netHTTP{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := http.Server{
		Handler: n, DisableGeneralOptionsHandler: true, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	served := make(chan error)
	go func() { served <- server.Serve(n) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return n
}

// read returns what the server sees of a stream that ends.
func (n *netHTTP) read(stream string) []seen {
	c := &memoryConn{in: strings.NewReader(stream), done: make(chan struct{})}
	n.conns <- c
	<-c.done
	return c.seen
}

func (n *netHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // it has not seen a request
	}
	c := r.Context().Value(connKey{}).(*memoryConn)
	c.seen = append(c.seen, seen{r.Method, originForm(r.RequestURI), string(body)})
	w.Header().Set("Content-Length", "0")
}

// originForm cuts scheme and authority from a target.
func originForm(target string) string {
	if _, rest, ok := strings.Cut(target, "://"); ok && target[0] != '/' {
		_, path, _ := strings.Cut(rest, "/")
		return "/" + path
	}
	return target
}

func (n *netHTTP) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *netHTTP) Close() error   { close(n.closed); return nil }
func (n *netHTTP) Addr() net.Addr { return &net.TCPAddr{} }

// memoryConn is a connection whose peer has sent a stream and closed its side.
type memoryConn struct {
	in   *strings.Reader
	seen []seen // by the handler
	once sync.Once
	done chan struct{}
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return len(p), nil }

// CloseWrite is what the server does first when it refuses: it reads nothing more.
func (c *memoryConn) CloseWrite() error                { return c.Close() }
func (c *memoryConn) Close() error                     { c.once.Do(func() { close(c.done) }); return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
