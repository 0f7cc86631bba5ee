package hotpath

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Errors of Run.
var (
	// ErrConfig: nothing was started.
	ErrConfig = errors.New("hotpath")
	// ErrInvalid: something was measured that does not count.
	ErrInvalid = errors.New("no valid result")
)

// Names of rows, as --only takes them.
const (
	RowGet4K  = "get-4k"
	RowPlain  = "plain"
	RowGet1M  = "get-1m"
	RowHead   = "head"
	RowOpen   = "open"
	RowWrk    = "wrk"
	RowStart  = "start"
	RowRSS    = "rss"
	RowIdle   = "idle"
	RowActive = "active"
)

// RowNames lists all rows in the order of the report.
func RowNames() []string {
	return []string{RowGet4K, RowPlain, RowGet1M, RowHead, RowOpen, RowWrk, RowStart, RowRSS, RowIdle,
		RowActive}
}

// Config says what to measure and how long.
type Config struct {
	Server string   // binary
	Dir    string   // for drives and files
	Nginx  string   // program; empty: no yardstick
	Wrk    string   // program; empty: no second opinion
	Rows   []string // empty: all
	Matrix bool     // get-4k for every event loop and allocator, and nothing else

	Repetitions int
	Leg         time.Duration // window of a leg
	Warmup      time.Duration // before it
	Connections int
	Seed        uint64
	Pin         bool

	SmallObjects      int // of 4 KiB
	LargeObjects      int // of 1 MiB
	IdleConnections   int
	ActiveConnections int
}

// Defaults are the settings of make bench-hotpath.
func Defaults() Config {
	return Config{
		Server: "bin/flashstore", Dir: ".data/hotpath", Nginx: "nginx", Wrk: "wrk",
		Repetitions: 5, Leg: 2 * time.Second, Warmup: 300 * time.Millisecond, Connections: 64,
		Seed: 42, Pin: true,
		SmallObjects: 1000, LargeObjects: 32, IdleConnections: 10_000, ActiveConnections: 1000,
	}
}

// Validate returns an error that wraps ErrConfig.
func (c *Config) Validate() error {
	switch {
	case c.Server == "" || c.Dir == "":
		return fmt.Errorf("%w: no server binary, or no folder", ErrConfig)
	case c.Repetitions < 1 || c.Connections < 1 || c.IdleConnections < 1 || c.ActiveConnections < 1:
		return fmt.Errorf("%w: repetitions and connections are at least 1", ErrConfig)
	case c.Leg < 100*time.Millisecond || c.Warmup < 0:
		return fmt.Errorf("%w: a leg of %s is too short: 100ms", ErrConfig, c.Leg)
	case c.SmallObjects < 1 || c.LargeObjects < 1:
		return fmt.Errorf("%w: no objects", ErrConfig)
	}
	for _, name := range c.Rows {
		if !slices.Contains(RowNames(), name) {
			return fmt.Errorf("%w: no row %q; there are: %s", ErrConfig, name,
				strings.Join(RowNames(), ", "))
		}
	}
	return nil
}

// wants says whether a row is to be measured.
func (c *Config) wants(names ...string) bool {
	return len(c.Rows) == 0 || slices.ContainsFunc(c.Rows, func(row string) bool {
		return slices.Contains(names, row)
	})
}
