package readiness_test

import (
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
	"flashstore/netloop/readiness"
)

func newServer(t testing.TB, with netlooptest.Setup) netloop.Server {
	s, err := readiness.New(readiness.Config{Limits: with.Limits, Allocator: with.Allocator,
		Loops: 2, TLS: with.TLS})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFlood comes first: what other tests leave in memory would hide what it looks for.
func TestFlood(t *testing.T) { netlooptest.Flood(t, newServer, 50_000) }

func TestConversations(t *testing.T) {
	netlooptest.Run(t, newServer, netlooptest.Traits{Inline: true})
}

func TestConversationsOverTLS(t *testing.T) {
	netlooptest.RunTLS(t, newServer, netlooptest.Traits{Inline: true})
}

func TestScarceMemory(t *testing.T) {
	netlooptest.Scarce(t, newServer, netlooptest.Traits{Inline: true})
}
