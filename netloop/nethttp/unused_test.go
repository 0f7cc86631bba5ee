package nethttp_test

import (
	"context"
	"net"
	"testing"
	"time"

	"flashstore/arena/heap"
	"flashstore/netloop"
	"flashstore/netloop/nethttp"
)

type silent struct{}

func (silent) Handle(*netloop.Exchange) {}

// A connection that never sent a byte does not hold up a shutdown.
func TestShutdownDoesNotWaitForUnusedConnections(t *testing.T) {
	memory, err := heap.New(heap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := nethttp.New(nethttp.Config{Limits: netloop.DefaultLimits(), Allocator: memory})
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(silent{}) }()
	c, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for s.Stats().Accepted == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second { // net/http alone waits for 5
		t.Fatalf("the shutdown took %s", took)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}
