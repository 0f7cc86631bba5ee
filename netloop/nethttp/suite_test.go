package nethttp_test

import (
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/nethttp"
	"flashstore/netloop/netlooptest"
)

func newServer(t testing.TB, with netlooptest.Setup) netloop.Server {
	s, err := nethttp.New(nethttp.Config{Limits: with.Limits, Allocator: with.Allocator,
		TLS: with.TLS})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConversations(t *testing.T) {
	netlooptest.Run(t, newServer, netlooptest.Traits{NetHTTP: true})
}

func TestConversationsOverTLS(t *testing.T) {
	netlooptest.RunTLS(t, newServer, netlooptest.Traits{NetHTTP: true})
}
