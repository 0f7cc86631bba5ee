package nethttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// http2Handler echoes bodies, breaks answers at /abort, and tells what it is asked.
type http2Handler struct{}

func (http2Handler) Handle(ex *netloop.Exchange) {
	r := &ex.Request
	switch string(r.Path) {
	case "/abort":
		ex.SetContentLength(1000)
		_ = ex.Write(make([]byte, 500))
		ex.Abort()
	case "/close":
		ex.CloseAfter()
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
	identity := netlooptest.NewIdentity(t)
	s := newServerTLS(t, netloop.DefaultLimits(), identity.Server)
	address, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(http2Handler{}) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	var dials int
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: identity.Client,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(path, body string) (*http.Response, string, error) {
		req, err := http.NewRequest("PUT", "https://"+address.String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		return resp, string(got), err
	}
	long := string(bytes.Repeat([]byte("0123456789"), 300_000))
	for _, body := range []string{"", "hello", long, "again"} {
		resp, got, err := ask("/b/k?a=%20", body)
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != 200 || got != body {
			t.Fatalf("%d bytes back of %d, %+v, %v", len(got), len(body), resp, err)
		}
		if resp, got, err := ask("/abort", ""); err == nil {
			t.Fatalf("an aborted answer of %d bytes ended cleanly: %+v", len(got), resp)
		}
	}
	if dials != 1 {
		t.Errorf("%d connections: a broken answer broke more than its stream", dials)
	}
	if n := s.Stats().AbortedReplies; n != 4 {
		t.Errorf("%d aborted replies", n)
	}
	if resp, _, err := ask("/close", ""); err != nil || resp.StatusCode != 200 {
		t.Errorf("%+v, %v", resp, err)
	}
}
