package readiness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"

	"flashstore/arena"
	"flashstore/netloop"
)

// ErrUnsupported: neither epoll nor kqueue is used on this platform.
var ErrUnsupported = errors.New("readiness: only on Linux, and 64-bit macOS and FreeBSD")

const (
	loopsMax   = 256
	workersMax = 1 << 16
	// workersDefault: a worker is a goroutine, a few KiB while it waits. Most wait for a drive.
	workersDefault = 1024
	// handshakersMax bounds the TLS handshakes at once. They have workers of their own, so that
	// clients who begin one and fall silent cannot keep requests waiting; each holds some 30 KiB.
	handshakersMax = 256
)

// Config is what a Server needs.
type Config struct {
	Limits    netloop.Limits
	Allocator arena.Allocator // of connection blocks and request memory; not closed
	Loops     int             // 0: GOMAXPROCS
	Workers   int             // that begin at once, see pool; 0: workersDefault
	TLS       *tls.Config     // whose certificates to show; nil: no TLS. Not changed
}

// Validate names the first thing that is missing or out of range.
func (c *Config) Validate() error {
	switch {
	case c.Allocator == nil:
		return errors.New("readiness: Config.Allocator is nil")
	case c.Loops < 0 || c.Loops > loopsMax:
		return fmt.Errorf("readiness: Config.Loops is %d, at most %d", c.Loops, loopsMax)
	case c.Workers < 0 || c.Workers > workersMax:
		return fmt.Errorf("readiness: Config.Workers is %d, at most %d", c.Workers, workersMax)
	}
	return c.Limits.Validate()
}

func (c *Config) setDefaults() {
	if c.Loops == 0 {
		c.Loops = runtime.GOMAXPROCS(0)
	}
	if c.Workers == 0 {
		c.Workers = workersDefault
	}
}
