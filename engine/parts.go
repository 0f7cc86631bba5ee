package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"flashstore/arena"
	"flashstore/arena/heap"
	"flashstore/arena/syncpool"
	"flashstore/engine/config"
	"flashstore/ioengine"
	"flashstore/ioengine/threadpool"
	"flashstore/ioengine/uring"
	"flashstore/netloop"
	"flashstore/netloop/netconn"
	"flashstore/netloop/nethttp"
	"flashstore/netloop/readiness"
)

// parts is the table of swappable parts: axis value → constructor. The SIMD path is chosen in
// erasure/codec, durability and checksum in drive/local, the entity tag in s3api; all three take
// their axis values as they are.
type parts struct {
	netloops   map[string]netloopFunc
	allocators map[string]func(*config.Config) (arena.Allocator, error)
	ioengines  map[string]func(probeDir string) (ioengine.Engine, error)
}

// netloopFunc makes a server that speaks TLS if it is given a configuration of it.
type netloopFunc = func(*config.Config, arena.Allocator, *tls.Config) (netloop.Server, error)

func allParts() parts {
	p := parts{
		netloops: map[string]netloopFunc{
			"nethttp": func(c *config.Config, a arena.Allocator, t *tls.Config) (netloop.Server, error) {
				return nethttp.New(nethttp.Config{Limits: c.Limits, Allocator: a,
					TLS: t})
			},
			"netconn": func(c *config.Config, a arena.Allocator, t *tls.Config) (netloop.Server, error) {
				return netconn.New(netconn.Config{Limits: c.Limits, Allocator: a,
					TLS: t})
			},
		},
		allocators: map[string]func(*config.Config) (arena.Allocator, error){
			"arena": newArena,
			"syncpool": func(c *config.Config) (arena.Allocator, error) {
				return syncpool.New(syncpool.Config{BudgetBytes: c.MemoryBudget})
			},
			"heap": func(c *config.Config) (arena.Allocator, error) {
				return heap.New(heap.Config{BudgetBytes: c.MemoryBudget})
			},
		},
		ioengines: map[string]func(string) (ioengine.Engine, error){
			"uring": func(probeDir string) (ioengine.Engine, error) {
				return uring.New(uring.Config{ProbeDir: probeDir})
			},
			"threadpool": func(string) (ioengine.Engine, error) {
				return threadpool.New(threadpool.Config{})
			},
		},
	}
	if readiness.Name != "" { // one loop, by the name of what this system has
		p.netloops[readiness.Name] = newReadiness
	}
	return p
}

func newReadiness(c *config.Config, a arena.Allocator, t *tls.Config) (netloop.Server, error) {
	return readiness.New(readiness.Config{Limits: c.Limits, Allocator: a, Loops: c.Loops,
		Workers: c.Workers, TLS: t})
}

// pick returns the constructor for an axis value.
func pick[T any](axis, value string, table map[string]T) (T, error) {
	build, ok := table[value]
	if !ok {
		valid := slices.Sorted(maps.Keys(table))
		return build, fmt.Errorf("%w: %s %q is not available here; valid: %s", config.ErrUsage,
			axis, value, strings.Join(valid, ", "))
	}
	return build, nil
}

func (p *parts) netloop(c *config.Config, a arena.Allocator, t *tls.Config) (netloop.Server,
	error) {
	build, err := pick("netloop", c.Netloop, p.netloops)
	if err != nil {
		return nil, err
	}
	return build(c, a, t)
}

func (p *parts) allocator(c *config.Config) (arena.Allocator, error) {
	build, err := pick("allocator", c.Allocator, p.allocators)
	if err != nil {
		return nil, err
	}
	return build(c)
}

// ioengine makes the engine asked for, or the thread pool where the kernel forbids io_uring;
// why says so.
func (p *parts) ioengine(c *config.Config, probeDir string,
	log *slog.Logger) (e ioengine.Engine, why string, err error) {
	build, err := pick("ioengine", c.IOEngine, p.ioengines)
	if err != nil {
		return nil, "", err
	}
	e, err = build(probeDir)
	if !errors.Is(err, uring.ErrUnavailable) {
		return e, "", err
	}
	log.Warn("io_uring cannot be used here: the thread pool takes its place", "reason", err)
	why = err.Error()
	e, err = p.ioengines["threadpool"](probeDir)
	return e, why, err
}
