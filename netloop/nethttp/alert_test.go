package nethttp

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// What net/http has read behind an alert is not handled, for its answer would not be written. With a
// client that is so in one of some hundred renegotiations: see recordAlert.
func TestNothingBehindAlert(t *testing.T) {
	s, err := New(Config{Limits: netloop.DefaultLimits(), Allocator: netlooptest.NewMemory(t),
		TLS: netlooptest.NewIdentity(t).Server})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	s.handler = handlerFunc(func(*netloop.Exchange) { calls++ })
	ours, theirs := net.Pipe()
	defer ours.Close()
	go io.Copy(io.Discard, theirs)
	c := &conn{Conn: ours, server: s}
	serve := func() (failed any) {
		defer func() { failed = recover() }()
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		s.serve(httptest.NewRecorder(), r.WithContext(withConn(r.Context(), c)))
		return nil
	}
	for i, record := range []string{"\x17\x03\x03\x00\x01x", "\x15\x03\x03\x00\x02\x01\x00"} {
		if _, err := io.WriteString(c, record); err != nil {
			t.Fatal(err)
		}
		failed, _ := serve().(error)
		if alert := i == 1; calls != 1 || errors.Is(failed, http.ErrAbortHandler) != alert {
			t.Errorf("behind %q: %d calls, %v", record, calls, failed)
		}
	}
	if n, err := io.WriteString(c, "\x17\x03\x03\x00\x01x"); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("behind an alert %d bytes were written, %v", n, err)
	}
}
