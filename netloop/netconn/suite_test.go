package netconn_test

import (
	"crypto/tls"
	"testing"

	"flashstore/arena"
	"flashstore/arena/block64k"
	"flashstore/arena/heap"
	"flashstore/netloop"
	"flashstore/netloop/netconn"
	"flashstore/netloop/netlooptest"
)

func newServer(t testing.TB, limits netloop.Limits) netloop.Server {
	return newServerTLS(t, limits, nil)
}

func newServerTLS(t testing.TB, limits netloop.Limits, config *tls.Config) netloop.Server {
	memory, err := block64k.New(block64k.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return newServerOn(t, limits, config, memory)
}

// newScarce has its memory from the heap, whose budget may be of a few blocks.
func newScarce(t testing.TB, limits netloop.Limits, config *tls.Config,
	budgetBytes int64) netloop.Server {
	memory, err := heap.New(heap.Config{BudgetBytes: budgetBytes})
	if err != nil {
		t.Fatal(err)
	}
	return newServerOn(t, limits, config, memory)
}

func newServerOn(t testing.TB, limits netloop.Limits, config *tls.Config,
	memory arena.Allocator) netloop.Server {
	t.Cleanup(func() {
		if err := memory.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := netconn.New(netconn.Config{Limits: limits, Allocator: memory, TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFlood comes first: what other tests leave in memory would hide what it looks for.
func TestFlood(t *testing.T) { netlooptest.Flood(t, newServer, 50_000) }

func TestConversations(t *testing.T) {
	netlooptest.Run(t, newServer, netlooptest.Traits{})
}

func TestConversationsOverTLS(t *testing.T) {
	netlooptest.RunTLS(t, newServerTLS, netlooptest.Traits{})
}

func TestScarceMemory(t *testing.T) {
	netlooptest.Scarce(t, newScarce, netlooptest.Traits{})
}
