package netlooptest

import (
	"context"
	"testing"
	"time"

	"flashstore/netloop"
)

// hang is when what does not go on has failed.
const hang = 20 * time.Second

// Serve binds s to a free port of 127.0.0.1, lets it serve h until the test ends, and returns its
// address.
func Serve(t testing.TB, s netloop.Server, h netloop.Handler) (address string) {
	t.Helper()
	bound, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(h) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), hang)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
		select {
		case err := <-served:
			if err != nil {
				t.Error("serve:", err)
			}
		case <-ctx.Done():
			t.Error("Serve did not return")
		}
	})
	return bound.String()
}
