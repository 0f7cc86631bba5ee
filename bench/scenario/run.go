package scenario

import (
	"fmt"
	"time"
)

// PairsMax bounds the pairs of a comparison.
const PairsMax = 1000

// sliceMin is long against a tick of CPU time, 10 ms, and a turn of connecting.
const sliceMin = 100 * time.Millisecond

// Of a pair whose design is changed to sliced: what disturbs a machine lasts longer than a slice,
// and a connection that is open needs no longer to be at full speed.
const (
	sliceDefault     = 400 * time.Millisecond
	sliceTrimDefault = sliceDefault / 8
)

// A look is as short as both drivers allow.
const (
	lookDuration = warpDurationMin
	lookPairs    = 2
)

// Run is how long and how often.
type Run struct {
	Duration time.Duration `yaml:"duration"`  // of one leg's load
	TrimHead time.Duration `yaml:"trim_head"` // of it that is not counted, at the start
	TrimTail time.Duration `yaml:"trim_tail"` // and at the end
	// Design is paired: one leg behind the other, or sliced: the servers of both legs live, and the
	// load goes to and fro between them, a slice at a time. Duration is then the sum of a leg's
	// slices, and the trims are of each slice.
	Design       string        `yaml:"design"`
	Slice        time.Duration `yaml:"slice"` // of a sliced design
	Pairs        int           `yaml:"pairs"`
	ConfirmPairs int           `yaml:"confirm_pairs"` // of the gate's second stage
	Seed         uint64        `yaml:"seed"`          // of the order of legs and of the intervals
}

// Sliced says whether the legs of a pair run at the same time.
func (r *Run) Sliced() bool { return r.Design == "sliced" }

// Slices is how many a leg has.
func (r *Run) Slices() int { return int(r.Duration / r.Slice) }

// trimmed is what the trims are of.
func (r *Run) trimmed() time.Duration {
	if r.Sliced() {
		return r.Slice
	}
	return r.Duration
}

// Quicken makes a look of a run, which is no verdict: a few short pairs. What is shorter already
// stays as it is, and what was valid stays valid, whatever the design.
func (r *Run) Quicken() {
	r.Pairs, r.Duration = lookPairs, min(r.Duration, lookDuration)
	r.Slice = min(r.Slice, r.Duration/2)
	r.TrimHead = min(r.TrimHead, r.trimmed()/5)
	r.TrimTail = min(r.TrimTail, r.trimmed()/10)
}

// redesign changes the design, and with it what has a meaning in one of them alone: the slice, and
// the trims, which are of a slice or of a leg. An unknown design is left to validate.
func (r *Run) redesign(design string) {
	if design == r.Design {
		return
	}
	r.Design, r.Slice = design, 0
	r.TrimHead, r.TrimTail = r.Duration/7, r.Duration/7 // as by default
	if r.Sliced() {
		r.Slice, r.TrimHead, r.TrimTail = sliceDefault, sliceTrimDefault, 0
	}
}

func (r *Run) validate() error {
	if err := oneOf("run.design", r.Design, "paired", "sliced"); err != nil {
		return err
	}
	switch {
	case r.Duration <= 0 || r.Duration > time.Hour:
		return fmt.Errorf("run.duration: %s; want at most 1h", r.Duration)
	case r.Sliced() && (r.Slice < sliceMin || r.Slice > r.Duration/2):
		return fmt.Errorf("run.slice: %s; want %s to half of run.duration (%s)", r.Slice, sliceMin,
			r.Duration)
	case !r.Sliced() && r.Slice != 0:
		return fmt.Errorf("run.slice: %s with run.design %s", r.Slice, r.Design)
	case r.TrimHead < 0 || r.TrimTail < 0 || r.TrimHead+r.TrimTail > r.trimmed()/2:
		return fmt.Errorf("run.trim_head, run.trim_tail: %s and %s take more than half of %s",
			r.TrimHead, r.TrimTail, r.trimmed())
	case r.Pairs < 1 || r.Pairs > PairsMax:
		return fmt.Errorf("run.pairs: %d; want 1 to %d", r.Pairs, PairsMax)
	case r.ConfirmPairs < 0 || r.ConfirmPairs > PairsMax:
		return fmt.Errorf("run.confirm_pairs: %d; want 0 to %d", r.ConfirmPairs, PairsMax)
	}
	return nil
}
