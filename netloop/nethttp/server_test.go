package nethttp

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

type handlerFunc func(*netloop.Exchange)

func (f handlerFunc) Handle(ex *netloop.Exchange) { f(ex) }

func start(t *testing.T, h netloop.Handler) string {
	t.Helper()
	s, err := New(Config{Limits: netloop.DefaultLimits(),
		Allocator: netlooptest.NewMemory(t)})
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + netlooptest.Serve(t, s, h)
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
