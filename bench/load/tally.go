package load

import (
	"github.com/HdrHistogram/hdrhistogram-go"
)

// Range and precision of latencies: from 100 ns (recorded in steps of 64 ns) to a minute, to three
// digits. Timeouts keep them below that.
const (
	latencyLowest  = 100
	latencyHighest = 60_000_000_000
	latencyDigits  = 3
)

// tally is what a loop has counted.
type tally struct {
	operations uint64
	answered   uint64
	bytes      uint64 // of bodies
	hashed     uint64
	connects   uint64
	latency    *hdrhistogram.Histogram
	late       *hdrhistogram.Histogram // how late the loop itself sent (open loop)
	errors     map[string]uint64
	firstError string
}

func newTally() *tally {
	return &tally{errors: map[string]uint64{},
		latency: hdrhistogram.New(latencyLowest, latencyHighest, latencyDigits),
		late:    hdrhistogram.New(latencyLowest, latencyHighest, latencyDigits)}
}

// record adds ns to a histogram; what is above its range counts as its highest.
func record(h *hdrhistogram.Histogram, ns int64) {
	if h.RecordValue(ns) != nil {
		_ = h.RecordValue(latencyHighest) // in range by construction
	}
}

func (t *tally) fail(wrong *fault, n uint64) {
	t.errors[wrong.kind] += n
	if t.firstError == "" {
		t.firstError = wrong.kind + ": " + wrong.detail
	}
}

// add takes what another loop has counted.
func (t *tally) add(other *tally) {
	t.operations += other.operations
	t.answered += other.answered
	t.bytes += other.bytes
	t.hashed += other.hashed
	t.connects += other.connects
	t.latency.Merge(other.latency)
	t.late.Merge(other.late)
	for kind, n := range other.errors {
		t.errors[kind] += n
	}
	if t.firstError == "" {
		t.firstError = other.firstError
	}
}
