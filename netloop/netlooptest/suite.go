package netlooptest

import (
	"crypto/tls"
	"testing"

	"flashstore/arena"
	"flashstore/arena/block64k"
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

// Setup is what a server is made with.
type Setup struct {
	Limits    netloop.Limits
	Allocator arena.Allocator // closed behind the server's end
	TLS       *tls.Config     // nil: no TLS
}

// New makes a server, that listens nowhere yet.
type New func(t testing.TB, with Setup) netloop.Server

// NewMemory makes what servers have their memory from, and closes it behind the test.
func NewMemory(t testing.TB) arena.Allocator {
	t.Helper()
	memory, err := block64k.New(block64k.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, memory)
}

func closing(t testing.TB, memory arena.Allocator) arena.Allocator {
	t.Cleanup(func() {
		if err := memory.Close(); err != nil {
			t.Error(err)
		}
	})
	return memory
}

type suite struct {
	new    New
	traits Traits
	memory func(testing.TB) arena.Allocator
	tls    *tls.Config // of servers; nil: no TLS
}

// RunTLS has every conversation of Run over TLS, and those that only TLS has.
func RunTLS(t *testing.T, new New, traits Traits) {
	identity := NewIdentity(t)
	traits.TLS = identity.Client
	s := &suite{new: new, traits: traits, memory: NewMemory, tls: identity.Server}
	s.run(t, append(conversations(), secureConversations()...))
}

// Run has every conversation with servers made by new.
func Run(t *testing.T, new New, traits Traits) {
	s := &suite{new: new, traits: traits, memory: NewMemory}
	s.run(t, conversations())
}

func (s *suite) run(t *testing.T, all []conversation) {
	t.Run("baseline", s.baseline) // counts goroutines: not beside others
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
		{"counted", (*suite).counted},
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
		{"limits of a head", (*suite).headLimits},
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
		{"half record", (*suite).halfRecord},
		{"late head", (*suite).lateHead},
		{"new keys at rest", (*suite).updateAtRest},
		{"shutdown in a handshake", (*suite).shutdownShaking},
	}
}
