package nethttp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

const largeBytes = 16 << 20 // more than the window of Go's client

const busyWindow = 200 * time.Millisecond

// http2Handler echoes bodies, breaks answers at /abort, and tells what it is asked.
type http2Handler struct{}

func (http2Handler) Handle(ex *netloop.Exchange) {
	r := &ex.Request
	switch string(r.Path) {
	case "/abort":
		ex.SetContentLength(1000)
		_ = ex.Write(make([]byte, 500))
		ex.Abort()
	case "/large":
		ex.SetContentLength(largeBytes)
		_ = ex.Write(make([]byte, largeBytes))
	case "/close":
		ex.CloseAfter()
	case "/busy": // the server has its hands full, longer than a body may keep it waiting
		n, err := io.ReadFull(ex, make([]byte, 1))
		time.Sleep(2 * busyWindow)
		rest, copied := io.Copy(io.Discard, ex)
		if n != 1 || err != nil || rest != largeBytes-1 || copied != nil {
			ex.SetStatus(400)
		}
	default:
		body, err := io.ReadAll(ex)
		if err != nil || !r.TLS || r.MinorVersion != 1 || string(r.Host) == "" ||
			string(r.Query) != "a=%20" {
			ex.SetStatus(400)
			return
		}
		ex.SetContentLength(int64(len(body)))
		_ = ex.Write(body)
	}
}

// TestHTTP2: a client that asks for it by ALPN speaks HTTP/2; a broken answer breaks its stream
// and no other.
func TestHTTP2(t *testing.T) {
	var dials int
	s, ask := http2Client(t, netloop.DefaultLimits(), func() { dials++ })
	long := string(bytes.Repeat([]byte("0123456789"), 300_000))
	for _, body := range []string{"", "hello", long, "again"} {
		resp, got, err := read(ask("/b/k?a=%20", body))
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != 200 || got != body {
			t.Fatalf("%d bytes back of %d, %+v, %v", len(got), len(body), resp, err)
		}
		if resp, got, err := read(ask("/abort", "")); err == nil {
			t.Fatalf("an aborted answer of %d bytes ended cleanly: %+v", len(got), resp)
		}
	}
	if dials != 1 {
		t.Errorf("%d connections: a broken answer broke more than its stream", dials)
	}
	if n := s.Stats().AbortedReplies; n != 4 {
		t.Errorf("%d aborted replies", n)
	}
	if resp, _, err := read(ask("/close", "")); err != nil || resp.StatusCode != 200 {
		t.Errorf("%+v, %v", resp, err)
	}
}

// TestHTTP2Stalls: a client that does not take its answer is cut, and no other stream with it.
func TestHTTP2Stalls(t *testing.T) {
	limits := netloop.DefaultLimits()
	limits.WriteTimeout = 300 * time.Millisecond
	s, ask := http2Client(t, limits, func() {})
	resp, err := ask("/large", "")
	if err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("%+v, %v", resp, err)
	}
	defer resp.Body.Close()
	for end := time.Now().Add(10 * time.Second); s.Stats().TimedOut == 0; {
		if time.Now().After(end) {
			t.Fatal("the answer is stuck for ever")
		}
		time.Sleep(time.Millisecond)
	}
	if other, got, err := read(ask("/b/k?a=%20", "hello")); err != nil || got != "hello" {
		t.Errorf("%+v, %q, %v", other, got, err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d of %d bytes ended cleanly", n, largeBytes)
	}
}

// TestHTTP2BusyServer: a client is not blamed for what the server does between two reads.
func TestHTTP2BusyServer(t *testing.T) {
	limits := netloop.DefaultLimits()
	limits.BodyRateWindow = busyWindow
	s, ask := http2Client(t, limits, func() {})
	resp, _, err := read(ask("/busy", strings.Repeat("x", largeBytes)))
	if err != nil || resp.StatusCode != 200 || s.Stats().TimedOut != 0 {
		t.Errorf("%+v, %v, %+v", resp, err, s.Stats())
	}
}

// http2Client starts a server and returns what asks it; dialed is called for each connection.
func http2Client(t *testing.T, limits netloop.Limits, dialed func()) (netloop.Server,
	func(path, body string) (*http.Response, error)) {
	t.Helper()
	identity := netlooptest.NewIdentity(t)
	s := newServer(t, netlooptest.Setup{Limits: limits, Allocator: netlooptest.NewMemory(t),
		TLS: identity.Server})
	address := netlooptest.Serve(t, s, http2Handler{})
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: identity.Client,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed()
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	t.Cleanup(transport.CloseIdleConnections)
	return s, func(path, body string) (*http.Response, error) {
		req, err := http.NewRequest("PUT", "https://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return transport.RoundTrip(req)
	}
}

// read reads the whole body.
func read(resp *http.Response, err error) (*http.Response, string, error) {
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}
