package load

import (
	"math"
	"net/http"
	"testing"
	"time"
)

// TestRate: as many as the rate says, whatever the number of threads.
func TestRate(t *testing.T) {
	for _, threads := range []int{1, 2} {
		s := newStub(t, false)
		c := s.config("GET", s.fill(10, 10, 1))
		c.Rate, c.Threads, c.Warmup, c.Duration = 1000, threads, 100*time.Millisecond, 600*time.Millisecond
		r := mustRun(t, c)
		mustBeClean(t, r)
		if r.Operations != 500 || math.Abs(r.PerSecond-1000) > 1e-9 {
			t.Errorf("%d threads: %d operations, %v/s; want 500, 1000/s", threads, r.Operations,
				r.PerSecond)
		}
		if requests, _, _ := s.seen(); len(requests) != 600 {
			t.Errorf("%d requests, want 600", len(requests))
		}
	}
}

// TestStallIsNotOmitted: a server that stops for 200 ms delays all that are due meanwhile, and each
// of them says so.
func TestStallIsNotOmitted(t *testing.T) {
	const stall, rate = 200 * time.Millisecond, 1000
	s := newStub(t, false)
	s.set(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 100 {
			time.Sleep(stall) // holding the lock: nobody is served
		}
		return false
	})
	c := s.config("GET", s.fill(10, 10, 1))
	c.Rate, c.Warmup, c.Duration = rate, 0, 500*time.Millisecond
	r := mustRun(t, c)
	mustBeClean(t, r)
	if r.Operations != 500 {
		t.Errorf("%d operations, want 500", r.Operations)
	}
	slow := uint64(0)
	for _, bar := range r.Histogram.Distribution() {
		if bar.From >= int64(stall/2) {
			slow += uint64(bar.Count)
		}
	}
	// Half of those due in the stall wait for more than half of it: 100 of them. A closed loop of
	// four connections would see four.
	if slow < 80 {
		t.Errorf("%d slow answers, want about 100", slow)
	}
	if r.Latency.Max < 190e3 {
		t.Errorf("longest latency %v µs", r.Latency.Max)
	}
}

// TestOverload: what was due and never sent is an error.
func TestOverload(t *testing.T) {
	s := newStub(t, false)
	s.set(func(n int, w http.ResponseWriter, r *http.Request) bool {
		time.Sleep(2 * time.Millisecond) // at most 500 a second
		return false
	})
	c := s.config("GET", s.fill(10, 10, 1))
	c.Rate, c.Warmup, c.Duration, c.Timeout = 50_000, 0, 200*time.Millisecond, 100*time.Millisecond
	r := mustRun(t, c)
	if r.Errors[KindUnsent] < 9_000 || r.Operations+r.Failed() != 10_000 {
		t.Errorf("%d operations, errors %v; want 10,000 together", r.Operations, r.Errors)
	}
	if r.Goodput <= 0 || r.Goodput > 510 { // what was answered within the window, not what was due
		t.Errorf("goodput %.0f/s of a server that does 500", r.Goodput)
	}
}
