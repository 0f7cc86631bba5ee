package nethttp_test

import (
	"crypto/tls"
	"testing"

	"flashstore/arena/block64k"
	"flashstore/netloop"
	"flashstore/netloop/nethttp"
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
	t.Cleanup(func() {
		if err := memory.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := nethttp.New(nethttp.Config{Limits: limits, Allocator: memory, TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConversations(t *testing.T) {
	netlooptest.Run(t, newServer, netlooptest.Traits{NetHTTP: true})
}

func TestConversationsOverTLS(t *testing.T) {
	netlooptest.RunTLS(t, newServerTLS, netlooptest.Traits{NetHTTP: true})
}
