package nethttp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"flashstore/arena"
	"flashstore/netloop"
)

// heapAllocator serves arenas from make; only NewArena is ever called by a server.
type heapAllocator struct{ arena.Allocator }

type heapArena struct{}

func (heapAllocator) NewArena(int) arena.Arena { return heapArena{} }
func (heapArena) Alloc(bytes int) []byte       { return make([]byte, bytes) }
func (heapArena) Reset()                       {}

type handlerFunc func(*netloop.Exchange)

func (f handlerFunc) Handle(ex *netloop.Exchange) { f(ex) }

func start(t *testing.T, h netloop.Handler) string {
	t.Helper()
	s, err := New(Config{Limits: netloop.DefaultLimits(), Allocator: heapAllocator{}})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(h) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + addr.String()
}

func TestEcho(t *testing.T) {
	url := start(t, handlerFunc(func(ex *netloop.Exchange) {
		if string(ex.Request.Target) != "/b/a%2Fb//c?x=%20" {
			t.Errorf("target %q", ex.Request.Target)
		}
		body, err := io.ReadAll(ex)
		if err != nil {
			t.Error(err)
		}
		ex.AddField([]byte("ETag"), []byte(`"x"`))
		ex.SetContentLength(int64(len(body)))
		if err := ex.Write(body[:len(body)/2], body[len(body)/2:]); err != nil {
			t.Error(err)
		}
	}))
	payload := bytes.Repeat([]byte("0123456789"), 100_000)
	resp, err := http.Post(url+"/b/a%2Fb//c?x=%20", "text/plain", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("%d bytes back, %v", len(got), err)
	}
}

func TestAbortBreaks(t *testing.T) {
	url := start(t, handlerFunc(func(ex *netloop.Exchange) {
		_ = ex.Write([]byte("half"))
		ex.Abort()
	}))
	resp, err := http.Post(url, "", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Fatal("an aborted body ended cleanly")
	}
}
