package hotpath

import (
	"math"

	"flashstore/bench/stat"
)

// Row is one line of the report.
type Row struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"`

	Ours  []float64 `json:"ours"`           // one value a repetition
	Base  []float64 `json:"base,omitempty"` // of the same repetitions; none: a row of its own
	Than  string    `json:"than,omitempty"` // what Base is of
	Bound float64   `json:"bound,omitempty"`
	// AtLeast: the ratio of ours to base must reach Bound. Otherwise the ratio, or without a base our
	// value, must not exceed it. Bound 0: no target.
	AtLeast bool `json:"at_least,omitempty"`

	OursCPU []float64 `json:"ours_cpu_us,omitempty"` // of the server, µs per operation
	BaseCPU []float64 `json:"base_cpu_us,omitempty"`
}

// Verdicts.
const (
	OK       = "ok"
	Missed   = "MISSED"
	NoTarget = "-"
)

// Estimate is the ratio of ours to base as a logarithm; see stat.Paired.
func (r *Row) Estimate() stat.Estimate {
	return stat.Paired(stat.LogRatios(r.Base, r.Ours), 1)
}

// Value is what the target is about: the ratio, or the median where there is no base.
func (r *Row) Value() float64 {
	if r.Than == "" {
		return stat.Median(r.Ours)
	}
	if len(r.Base) == 0 || len(r.Base) != len(r.Ours) {
		return math.NaN()
	}
	return math.Exp(r.Estimate().Center)
}

// Verdict compares the value with the target.
func (r *Row) Verdict() string {
	v := r.Value()
	switch {
	case r.Bound == 0 || math.IsNaN(v):
		return NoTarget
	case r.AtLeast && v >= r.Bound, !r.AtLeast && v <= r.Bound:
		return OK
	}
	return Missed
}
