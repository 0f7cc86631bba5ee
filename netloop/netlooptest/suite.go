package netlooptest

import (
	"crypto/tls"
	"testing"

	"flashstore/netloop"
)

// Traits tell where servers may differ.
type Traits struct {
	// Inline: TryHandle is called.
	Inline bool
	// NetHTTP: heads are read by net/http, which refuses what is dangerous, but not all that
	// is malformed, by its own statuses, and flushes and drains by its own limits.
	NetHTTP bool
	// TLS: servers speak it, and clients are to use this configuration. nil: no TLS.
	TLS *tls.Config
}

// New makes a server with these limits, that listens nowhere yet. What it needs besides is
// released by t.Cleanup, which runs after the server has ended.
type New func(t testing.TB, limits netloop.Limits) netloop.Server

type suite struct {
	new    New
	traits Traits
}

// NewTLS is New for a server that speaks TLS by this configuration.
type NewTLS func(t testing.TB, limits netloop.Limits, config *tls.Config) netloop.Server

// RunTLS has every conversation of Run over TLS, and those that only TLS has.
func RunTLS(t *testing.T, new NewTLS, traits Traits) {
	identity := NewIdentity(t)
	traits.TLS = identity.Client
	Run(t, func(t testing.TB, limits netloop.Limits) netloop.Server {
		return new(t, limits, identity.Server)
	}, traits)
}

// Run has every conversation with servers made by new.
func Run(t *testing.T, new New, traits Traits) {
	s := &suite{new, traits}
	t.Run("baseline", s.baseline) // counts goroutines: not beside others
	all := conversations()
	if traits.TLS != nil {
		all = append(all, secureConversations()...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of them wait most of the time
			c.run(s, t)
		})
	}
}

// conversation is one test of a server.
type conversation struct {
	name string
	run  func(*suite, *testing.T)
}

func conversations() []conversation {
	return []conversation{
		{"request", (*suite).request}, {"keep-alive", (*suite).keepAlive},
		{"pipelined", (*suite).pipelined}, {"byte by byte", (*suite).byteByByte},
		{"bodies", (*suite).bodies}, {"small chunks", (*suite).smallChunks},
		{"continue", (*suite).continues}, {"continue with nothing", (*suite).emptyContinue},
		{"refused expectation", (*suite).refusedContinue},
		{"unread body", (*suite).unreadBody}, {"broken bodies", (*suite).brokenBodies},
		{"slow unread body", (*suite).slowUnread},
		{"HEAD", (*suite).headAndStatuses}, {"HTTP/1.0", (*suite).http10},
		{"slow reader", (*suite).slowReader}, {"slow inline", (*suite).slowInline},
		{"head timeout", (*suite).headTimeout}, {"idle timeout", (*suite).idleTimeout},
		{"slow body", (*suite).slowBody}, {"truncated body", (*suite).truncatedBody},
		{"write timeout", (*suite).writeTimeout}, {"malformed", (*suite).malformed},
		{"garbage after a request", (*suite).garbageAfter},
		{"malformed and unread", (*suite).refusedUnread}, {"one reading", (*suite).oneReading},
		{"bodies of any method", (*suite).bodiesAnywhere},
		{"continue, then silence", (*suite).continueThenSilence},
		{"inject", (*suite).inject}, {"half-close", (*suite).halfClose},
		{"cut between answers", (*suite).cutBetween},
		{"slow behind a refusal", (*suite).slowBehindRefusal},
		{"resets", (*suite).resets}, {"connections max", (*suite).connectionsMax},
		{"connections per address", (*suite).connectionsPerAddress},
		{"many", (*suite).many}, {"shutdown", (*suite).shutdown},
		{"shutdown cut", (*suite).shutdownCut},
	}
}

// secureConversations are those that only TLS has.
func secureConversations() []conversation {
	return []conversation{
		{"plain HTTP", (*suite).plainHTTP}, {"versions", (*suite).versions},
		{"close_notify", (*suite).closeNotify}, {"slow handshake", (*suite).slowHandshake},
		{"one flight", (*suite).oneFlight}, {"key updates", (*suite).keyUpdates},
		{"renegotiation", (*suite).renegotiation}, {"broken record", (*suite).brokenRecord},
		{"shutdown in a handshake", (*suite).shutdownShaking},
	}
}
