package config

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"flashstore/netloop"
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
	Checksum      string
	ETag          string
	Region        string
	Domains       []string
	CertsDir      string // that holds public.crt and private.key; "": no TLS
	MetricsPublic bool
	MetricsToken  string
	ShutdownGrace time.Duration
	Loops         int // event loops; 0: one per core
	Workers       int // goroutines that may block; 0: the loop's own default
	MemoryBudget  int64
	LogSegment    int64 // bytes of a drive's log segment; 0: the drive's default
	AutoAdopt     bool  // empty directories in the places of drives that are gone become drives
	HealRate      int64 // bytes a second and set; 0: no limit
	ScrubPeriod   time.Duration
	LogLevel      string
	Limits        netloop.Limits
	RootUser      string
	RootPassword  string
}

// ParityDefault asks for the parity that fits the number of drives.
const ParityDefault = -1

// Limits of what can be asked for. Each part validates its own too; they stand here because a
// server that refuses a setting must not have formatted a drive before.
const (
	DrivesMax     = 1024    // of a deployment
	LoopsMax      = 256     // as in netloop/readiness
	WorkersMax    = 1 << 16 // as in netloop/readiness
	LogSegmentMin = 1 << 20 // bytes, in whole log blocks, as in drive/local
	logBlock      = 4 << 10
	budgetMin     = 64 << 10 // bytes: one block of request memory, as in arena
)

// Defaults are the settings of a server nobody configured.
func Defaults() Config {
	return Config{
		Address:       "127.0.0.1:9000",
		Parity:        ParityDefault,
		Netloop:       netloopDefault(runtime.GOOS),
		Allocator:     "arena",
		IOEngine:      "uring",
		SIMD:          "auto",
		Durability:    "full",
		Checksum:      "xxh3",
		ETag:          "md5",
		Region:        "us-east-1",
		ShutdownGrace: 10 * time.Second,
		ScrubPeriod:   30 * 24 * time.Hour,
		LogLevel:      "info",
		Limits:        netloop.DefaultLimits(),
	}
}

// Axis is a part that can be swapped.
type Axis struct {
	Key    string
	Values []string
	// Absent are those of Values that no part answers to on this platform. They stay known
	// words; asking for one is an error.
	Absent []string
	Of     func(*Config) string
}

// list is the values as text, with a remark at those that cannot be had.
func (a *Axis) list() string {
	all := slices.Clone(a.Values)
	for i, v := range all {
		if slices.Contains(a.Absent, v) {
			all[i] += " (not on this platform)"
		}
	}
	return strings.Join(all, ", ")
}

// netloopsAbsent are the values of the axis that system lacks: see netloop/readiness.
func netloopsAbsent(system string) []string {
	switch system {
	case "linux":
		return []string{"kqueue"}
	case "darwin", "freebsd":
		return []string{"epoll"}
	}
	return []string{"epoll", "kqueue"}
}

func netloopDefault(system string) string {
	switch system {
	case "linux":
		return "epoll"
	case "darwin", "freebsd":
		return "kqueue"
	}
	return "netconn"
}

// Axes are the swappable parts and their values, in the words of every file and metric.
func Axes() []Axis {
	return []Axis{
		{"netloop", []string{"epoll", "kqueue", "nethttp", "netconn"}, netloopsAbsent(runtime.GOOS),
			func(c *Config) string { return c.Netloop }},
		{"allocator", []string{"arena", "syncpool", "heap"}, nil,
			func(c *Config) string { return c.Allocator }},
		{"ioengine", []string{"uring", "threadpool"}, nil,
			func(c *Config) string { return c.IOEngine }},
		{"simd", []string{"auto", "gfni512", "gfni", "avx2", "ssse3", "scalar"}, nil,
			func(c *Config) string { return c.SIMD }},
		{"durability", []string{"full", "relaxed"}, nil,
			func(c *Config) string { return c.Durability }},
		{"checksum", []string{"xxh3", "highwayhash"}, nil,
			func(c *Config) string { return c.Checksum }},
		{"etag", []string{"md5", "fast"}, nil,
			func(c *Config) string { return c.ETag }},
	}
}

// Validate checks what can be known from the settings alone. Errors: ErrUsage.
func (c *Config) Validate() error {
	for _, axis := range Axes() {
		if v := axis.Of(c); !slices.Contains(axis.Values, v) {
			return fmt.Errorf("%w: %s %q is unknown; valid: %s", ErrUsage, axis.Key, v,
				axis.list())
		}
	}
	switch {
	case len(c.Drives) == 0:
		return fmt.Errorf("%w: no drives: say for example --drives '/data/d{1...4}'", ErrUsage)
	case len(c.Drives) > DrivesMax:
		return fmt.Errorf("%w: %d drives: a deployment has 1 to %d", ErrUsage, len(c.Drives), DrivesMax)
	case c.Parity != ParityDefault && (c.Parity < 0 || 2*c.Parity > len(c.Drives)):
		return fmt.Errorf("%w: parity %d does not fit %d drives: 0 to %d", ErrUsage, c.Parity,
			len(c.Drives), len(c.Drives)/2)
	case c.ShutdownGrace < 0:
		return fmt.Errorf("%w: shutdown_grace is negative", ErrUsage)
	case c.ScrubPeriod < 0 || c.ScrubPeriod > 0 && c.ScrubPeriod < time.Minute:
		return fmt.Errorf("%w: scrub_period is %s: 0 for never, or at least a minute", ErrUsage,
			c.ScrubPeriod)
	case (c.RootUser == "") != (c.RootPassword == ""):
		return fmt.Errorf("%w: FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD go together",
			ErrUsage)
	}
	if err := c.validateSizes(); err != nil {
		return err
	}
	return validateAddress(c.Address)
}

func (c *Config) validateSizes() error {
	switch {
	case c.Loops < 0 || c.Loops > LoopsMax:
		return fmt.Errorf("%w: loops is %d: 0 to %d", ErrUsage, c.Loops, LoopsMax)
	case c.Workers < 0 || c.Workers > WorkersMax:
		return fmt.Errorf("%w: workers is %d: 0 to %d", ErrUsage, c.Workers, WorkersMax)
	case c.MemoryBudget != 0 && c.MemoryBudget < budgetMin:
		return fmt.Errorf("%w: memory_budget is %d bytes: at least %d", ErrUsage, c.MemoryBudget,
			budgetMin)
	case c.LogSegment != 0 && (c.LogSegment < LogSegmentMin || c.LogSegment%logBlock != 0):
		return fmt.Errorf("%w: log_segment is %d bytes: at least %d, in multiples of %d", ErrUsage,
			c.LogSegment, LogSegmentMin, logBlock)
	}
	if err := c.Limits.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return nil
}

// validateAddress checks the form; whether the host is one of this machine shows at Listen.
func validateAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%w: address %q is not HOST:PORT with a port from 0 to 65535, as in "+
			"127.0.0.1:9000 or [::1]:9000", ErrUsage, address)
	}
	return nil
}
