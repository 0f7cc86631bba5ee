package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/bench/host"
)

// Run opens all connections, then applies the load. It returns a result also where requests have
// failed: see Result.Errors. Errors: ErrConfig, a connection that cannot be opened at the start,
// the cause of ctx where that ends first; then there is no result.
func Run(ctx context.Context, c Config) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	if c.Timeout == 0 {
		c.Timeout = TimeoutDefault
	}
	if c.Threads == 0 {
		c.Threads = ThreadsDefault
	}
	var canceled atomic.Bool
	defer context.AfterFunc(ctx, func() { canceled.Store(true) })()
	loops, err := newLoops(&c, &canceled)
	defer func() {
		for _, l := range loops {
			l.close()
		}
	}()
	if err != nil {
		return Result{}, err
	}
	if err := each(loops, c.Cores, func(l *loop) error {
		if err := l.connect(c.Timeout); err != nil {
			return fmt.Errorf("%s: %w", c.Address, err)
		}
		return nil
	}); err != nil {
		return Result{}, err
	}
	begin(&c, loops)
	err = each(loops, c.Cores, (*loop).run)
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	return sum(&c, loops), nil
}

// newLoops divides connections and rate among the threads.
func newLoops(c *Config, canceled *atomic.Bool) (loops []*loop, err error) {
	all := templates(c, time.Now())
	for i := range c.Threads {
		connections := c.Connections / c.Threads
		if i < c.Connections%c.Threads {
			connections++
		}
		l, err := newLoop(c, newPlan(c, all, i), connections)
		if err != nil {
			return loops, err
		}
		l.canceled = canceled
		if i == 0 {
			l.edge = c.Edge
		}
		loops = append(loops, l)
	}
	return loops, nil
}

// begin starts the clock of all loops.
func begin(c *Config, loops []*loop) {
	base := time.Now()
	for i, l := range loops {
		l.base, l.from, l.to = base, int64(c.Warmup), int64(c.Duration)
		l.giveUp = l.to + l.timeout
		l.nextEdge = l.from
		if c.Rate > 0 {
			// Threads take turns: request n of all is due at n / rate.
			spacing := float64(time.Second) / c.Rate
			l.first, l.interval = float64(i)*spacing, float64(len(loops))*spacing
		}
	}
}

// each calls work for every loop on a thread of its own, bound to cores. The threads end with it.
func each(loops []*loop, cores []int, work func(*loop) error) error {
	errs := make([]error, len(loops))
	var running sync.WaitGroup
	for i, l := range loops {
		running.Go(func() {
			runtime.LockOSThread() // never unlocked: a pinned thread ends with its goroutine
			if errs[i] = host.PinThread(cores); errs[i] == nil {
				errs[i] = work(l)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// sum puts together what the loops have counted.
func sum(c *Config, loops []*loop) Result {
	total := newTally()
	window := c.Duration - c.Warmup
	last := int64(0)
	for _, l := range loops {
		total.add(l.tally)
		last = max(last, l.lastEnd)
	}
	if c.Once {
		window = min(window, time.Duration(last))
	}
	return newResult(c, total, window)
}
