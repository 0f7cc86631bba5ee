package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run has measured. Its JSON has times in microseconds.
type Result struct {
	Method      string  `json:"method"`
	Connections int     `json:"connections"`
	Rate        float64 `json:"rate,omitempty"` // asked for, per second; 0: closed loop
	Seed        uint64  `json:"seed"`

	Operations uint64  `json:"operations"` // good ones within the window
	Seconds    float64 `json:"seconds"`    // length of the window
	PerSecond  float64 `json:"per_second"`
	// Goodput is good answers per second that came within the window, whenever they were due: in an
	// open loop that the server cannot follow it is less than PerSecond, which counts those that
	// were due then and came later.
	Goodput float64 `json:"goodput"`
	Bytes   uint64  `json:"bytes"` // of bodies, received or sent

	Latency Latency `json:"latency"`
	// Late is how much later than due the generator sent although a connection was free (open loop).
	// Where it is not far below Latency, the generator and not the server was slow.
	Late Latency `json:"late"`

	Errors     map[string]uint64 `json:"errors"` // by kind, of the whole run
	FirstError string            `json:"first_error,omitempty"`
	Hashed     uint64            `json:"hashed"`   // bodies whose hash was right
	Connects   uint64            `json:"connects"` // connections opened, again or for the first time

	Histogram *hdrhistogram.Histogram `json:"-"` // of latencies, nanoseconds
	lateness  *hdrhistogram.Histogram
}

// Latency is a distribution, in microseconds.
type Latency struct {
	Mean float64 `json:"mean_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	us := func(ns int64) float64 { return float64(ns) / float64(time.Microsecond) }
	return Latency{Mean: h.Mean() / float64(time.Microsecond), P50: us(h.ValueAtPercentile(50)),
		P90: us(h.ValueAtPercentile(90)), P99: us(h.ValueAtPercentile(99)),
		P999: us(h.ValueAtPercentile(99.9)), Max: us(h.Max())}
}

func newResult(c *Config, t *tally, window time.Duration) Result {
	r := Result{Method: c.Method, Connections: c.Connections, Rate: c.Rate, Seed: c.Seed,
		Operations: t.operations, Seconds: window.Seconds(), Bytes: t.bytes,
		Latency: latencyOf(t.latency), Late: latencyOf(t.late), Errors: t.errors,
		FirstError: t.firstError, Hashed: t.hashed, Connects: t.connects, Histogram: t.latency,
		lateness: t.late}
	if window > 0 {
		r.PerSecond = float64(r.Operations) / r.Seconds
		r.Goodput = float64(t.answered) / r.Seconds
	}
	return r
}

// Add takes in another run of the same load, as if both had been one.
func (r *Result) Add(other *Result) {
	if r.Histogram == nil {
		*r = *other
		return
	}
	r.Histogram.Merge(other.Histogram)
	r.lateness.Merge(other.lateness)
	r.Latency, r.Late = latencyOf(r.Histogram), latencyOf(r.lateness)
	answered := r.Goodput*r.Seconds + other.Goodput*other.Seconds
	r.Operations, r.Bytes = r.Operations+other.Operations, r.Bytes+other.Bytes
	r.Hashed, r.Connects = r.Hashed+other.Hashed, r.Connects+other.Connects
	r.Seconds += other.Seconds
	r.PerSecond, r.Goodput = float64(r.Operations)/r.Seconds, answered/r.Seconds
	for kind, n := range other.Errors {
		r.Errors[kind] += n
	}
	if r.FirstError == "" {
		r.FirstError = other.FirstError
	}
}

// Failed counts errors of all kinds.
func (r *Result) Failed() (n uint64) {
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// ErrorText lists the errors by kind, and quotes the first; empty without any.
func (r *Result) ErrorText() string {
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		words = append(words, fmt.Sprintf("%d × %s", r.Errors[kind], kind))
	}
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, ", ") + "; first: " + r.FirstError
}
