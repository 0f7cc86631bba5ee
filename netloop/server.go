package netloop

import (
	"context"
	"net"
	"time"
)

// Handler answers one request. Handle may block; it runs on a goroutine of its own, one per
// exchange at a time, many exchanges at once.
type Handler interface {
	Handle(*Exchange)
}

// InlineHandler is a Handler that can sometimes answer without blocking. A loop calls
// TryHandle first, on its own thread; false means that nothing was done or written and that
// Handle is to be called where blocking is allowed. Servers without loops may ignore it.
type InlineHandler interface {
	Handler
	TryHandle(*Exchange) bool
}

// BusyHandler is a Handler that words its own answer to a request the server has no time or memory
// for. Busy is called in place of Handle, on a loop if there are any: it must not block, nor read
// the body. The Request is empty if there was no room for its head. Without a BusyHandler the
// answer is 503 without a body, and the connection ends.
type BusyHandler interface {
	Handler
	Busy(*Exchange)
}

// Server accepts connections and turns their bytes into Exchanges.
type Server interface {
	// Listen binds address ("host:port"; port 0 picks a free one) and returns what was
	// bound. It may be called several times before Serve, never after.
	Listen(address string) (net.Addr, error)
	// Serve accepts and answers until Shutdown; it returns nil after a Shutdown.
	Serve(Handler) error
	// Shutdown stops accepting, lets requests in flight end (keep-alive connections close
	// after their answer, idle ones at once) and returns when all have, or with ctx's error
	// after cutting the rest.
	Shutdown(ctx context.Context) error
	// Stats counts since the server was made.
	Stats() Stats
}

// Limits bound what a client can make the server hold. Zero values are not defaults: use
// DefaultLimits.
type Limits struct {
	HeadBytesMax   int // request line and header fields; more: 431 (target: 414)
	HeaderCountMax int // header fields; more: 431
	// HeadTimeout is from the first byte of a head to its end, and for a TLS handshake from the
	// connection on; then close.
	HeadTimeout     time.Duration
	IdleTimeout     time.Duration // between requests on a connection
	BodyRateMin     int           // bytes per second, while a body is waited for; then close
	BodyRateWindow  time.Duration // of waiting that a body has ahead of that, at most
	WriteTimeout    time.Duration // without one byte accepted by the peer; then close
	DrainBytesMax   int64         // of an unread request body, framing included; then close
	DrainTimeout    time.Duration // for its rest to come, in all; then close
	ConnectionsMax  int           // open at once; more are closed at accept and counted
	PipelineMax     int           // requests answered in a row before other connections get a turn
	ShutdownLinger  time.Duration // a closing connection drains so long, so that its answer arrives
	TargetBytesMax  int           // of the request target; more: 414
	TrailerBytesMax int           // of a chunked body's trailer section
	// QueueMax is how many requests may wait for a worker, and QueueWaitMax how long the one at the
	// head of them: more, or later ones, are answered 503 at once (epoll; see BusyHandler).
	QueueMax     int
	QueueWaitMax time.Duration

	// ConnectionsPerAddress is ConnectionsMax for one IPv4 address or IPv6 /64 network.
	ConnectionsPerAddress int
}

// DefaultLimits are the limits of a server nobody configured.
func DefaultLimits() Limits {
	return Limits{
		HeadBytesMax:    32 << 10, // S3: 8 KiB of headers, 2 KiB of metadata; SDK signatures on top
		HeaderCountMax:  128,
		HeadTimeout:     10 * time.Second,
		IdleTimeout:     75 * time.Second,
		BodyRateMin:     512,
		BodyRateWindow:  10 * time.Second,
		WriteTimeout:    30 * time.Second,
		DrainBytesMax:   256 << 10,
		DrainTimeout:    2 * time.Second, // DrainBytesMax at 1 Mbit/s
		ConnectionsMax:  10_000,
		PipelineMax:     64,
		ShutdownLinger:  500 * time.Millisecond,
		TargetBytesMax:  16 << 10, // a 1,024-byte key, percent-encoded, and a presigned query
		TrailerBytesMax: 8 << 10,
		QueueMax:        4_096,
		QueueWaitMax:    250 * time.Millisecond,

		ConnectionsPerAddress: 10_000, // behind a proxy all clients have one address
	}
}

// Stats are counters that prove which server worked; Connections is a level.
type Stats struct {
	Name         string // the axis value: epoll, kqueue, nethttp, netconn
	Loops        int    // event loops, 0 where there are none
	Connections  int64
	Accepted     uint64
	Refused      uint64 // over a limit of connections, or TLS handshakes that wait
	Requests     uint64
	Inline       uint64 // answered by TryHandle on a loop
	Malformed    uint64 // heads refused by the parser; nethttp: those that net/http let pass
	Busy         uint64 // requests answered 503 since no worker had time, or no memory was left
	TimedOut     uint64 // connections cut by a deadline or a minimum rate
	EpollWaits   uint64 // epoll_wait calls (epoll)
	EpollEvents  uint64 // events they returned (epoll)
	ReadCalls    uint64 // read and its kin, those that found nothing too (epoll)
	ReadBytes    uint64
	WrittenBytes uint64
	WriteCalls   uint64 // writev and its kin, counted before the peer has the bytes
	// CopiedBytes of payload were copied in user space: what of a body came with its head, and what a
	// loop found no room for in the socket.
	CopiedBytes uint64
	// Phases is how long Sampled requests, which a loop answered itself, were in each phase (epoll).
	Phases         [PhaseCount]time.Duration
	Sampled        uint64
	AbortedReplies uint64 // bodies that ended short, their connections broken

	Handshakes       uint64 // TLS handshakes that succeeded
	HandshakesFailed uint64 // and those that did not, among them plain HTTP on such a port
}
