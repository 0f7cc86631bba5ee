package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrUsage marks what the person who typed it can mend; the process exits 2.
var ErrUsage = errors.New("usage")

// ErrHelp says that help was asked for and printed; the process exits 0.
var ErrHelp = errors.New("help")

// Config is everything the server can be told. It is made once and not changed.
type Config struct {
	Address       string
	Drives        []string // directories, ellipses expanded
	Parity        int      // ParityDefault: by the number of drives
	Netloop       string
	Allocator     string
	IOEngine      string
	SIMD          string
	Durability    string
	Region        string
	Domains       []string
	MetricsPublic bool
	MetricsToken  string
	ShutdownGrace time.Duration
	Loops         int // event loops; 0: one per core
	Workers       int // goroutines that may block; 0: the loop's own default
	MemoryBudget  int64
	LogSegment    int64 // bytes of a drive's log segment; 0: the drive's default
	LogLevel      string
	RootUser      string
	RootPassword  string
}

// ParityDefault asks for the parity that fits the number of drives.
const ParityDefault = -1

// Defaults are the settings of a server nobody configured.
func Defaults() Config {
	return Config{
		Address:       "127.0.0.1:9000",
		Parity:        ParityDefault,
		Netloop:       "epoll",
		Allocator:     "arena",
		IOEngine:      "uring",
		SIMD:          "auto",
		Durability:    "full",
		Region:        "us-east-1",
		ShutdownGrace: 10 * time.Second,
		LogLevel:      "info",
	}
}

// Axis is a part that can be swapped.
type Axis struct {
	Key    string
	Values []string
	Of     func(*Config) string
}

// Axes are the swappable parts and their values, in the words of every file and metric.
func Axes() []Axis {
	return []Axis{
		{"netloop", []string{"epoll", "kqueue", "nethttp", "netconn"},
			func(c *Config) string { return c.Netloop }},
		{"allocator", []string{"arena", "syncpool", "heap"},
			func(c *Config) string { return c.Allocator }},
		{"ioengine", []string{"uring", "threadpool"},
			func(c *Config) string { return c.IOEngine }},
		{"simd", []string{"auto", "gfni512", "gfni", "avx2", "ssse3", "scalar"},
			func(c *Config) string { return c.SIMD }},
		{"durability", []string{"full", "relaxed"},
			func(c *Config) string { return c.Durability }},
	}
}

// Validate checks what no single part can.
func (c *Config) Validate() error {
	for _, axis := range Axes() {
		if v := axis.Of(c); !slices.Contains(axis.Values, v) {
			return fmt.Errorf("%w: %s %q is unknown; valid: %s", ErrUsage, axis.Key, v,
				strings.Join(axis.Values, ", "))
		}
	}
	switch {
	case len(c.Drives) == 0:
		return fmt.Errorf("%w: no drives: say for example --drives '/data/d{1...4}'", ErrUsage)
	case c.Parity != ParityDefault && (c.Parity < 0 || 2*c.Parity > len(c.Drives)):
		return fmt.Errorf("%w: parity %d does not fit %d drives: 0 to %d", ErrUsage, c.Parity,
			len(c.Drives), len(c.Drives)/2)
	case c.ShutdownGrace < 0:
		return fmt.Errorf("%w: shutdown_grace is negative", ErrUsage)
	case (c.RootUser == "") != (c.RootPassword == ""):
		return fmt.Errorf("%w: FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD go together",
			ErrUsage)
	}
	return nil
}
