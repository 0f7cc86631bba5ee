package tune

import (
	"math"

	"flashstore/bench/stat"
)

// What a level must gain somewhere and may lose elsewhere, as shares.
const (
	GainMin = 0.02
	LossMax = 0.03
)

// level and p that the bounds hold at, one-sided.
const (
	level = 0.95
	lossP = 0.05
)

// PairsMin is how many quiet pairs judge a level: fewer give no verdict here as anywhere else.
const PairsMin = 4

// Axes that may be tuned: parts that do the same, at another price.
func Axes() []string { return []string{"netloop", "allocator", "ioengine"} }

// Trial is a level against the default in one scenario: the logarithms of level / default of quiet
// pairs, turned so that above zero is better.
type Trial struct {
	Axis, Level, Scenario string
	Metric                string // of the differences
	Differences           []float64
	Problem               string // why it cannot be judged
	// Failed says that the problem is a leg that was skipped or invalid, as with a level that this
	// machine lacks: on a quiet machine it would be no better.
	Failed bool
}

// Gain of a trial: its centre and its lower bound, as shares.
func (t *Trial) Gain() (center, lower float64) {
	return math.Expm1(stat.HodgesLehmann(t.Differences)),
		math.Expm1(stat.TLower(t.Differences, level))
}

// Helps says that the lower bound beats the least gain.
func (t *Trial) Helps() bool {
	_, lower := t.Gain()
	return t.judged() && lower > GainMin
}

// Hurts says that a loss is shown.
func (t *Trial) Hurts() bool {
	center, _ := t.Gain()
	return t.judged() && center < -LossMax && stat.TLess(t.Differences) < lossP
}

func (t *Trial) judged() bool { return t.Problem == "" && len(t.Differences) >= PairsMin }

// Choice is a level of an axis.
type Choice struct{ Axis, Level string }

// Choose returns the level of each axis that is adopted: of those that help somewhere and hurt
// nowhere, the one with the largest sum of gains. A level that could not be judged in a scenario
// is not adopted.
func Choose(trials []Trial) []Choice {
	var out []Choice
	for _, axis := range Axes() {
		best, bestGain := "", 0.0
		for _, candidate := range levels(trials, axis) {
			if gain, ok := total(trials, axis, candidate); ok && gain > bestGain {
				best, bestGain = candidate, gain
			}
		}
		if best != "" {
			out = append(out, Choice{axis, best})
		}
	}
	return out
}

func levels(trials []Trial, axis string) (out []string) {
	seen := map[string]bool{}
	for i := range trials {
		if t := &trials[i]; t.Axis == axis && !seen[t.Level] {
			seen[t.Level] = true
			out = append(out, t.Level)
		}
	}
	return out
}

// total is the sum of gains of a level; ok is false if it is not to be adopted.
func total(trials []Trial, axis, candidate string) (gain float64, ok bool) {
	for i := range trials {
		t := &trials[i]
		if t.Axis != axis || t.Level != candidate {
			continue
		}
		if !t.judged() || t.Hurts() {
			return 0, false
		}
		center, _ := t.Gain()
		gain += center
		ok = ok || t.Helps()
	}
	return gain, ok
}

// confirmed says whether trials of the combination, on fresh data, show what was promised: it helps
// somewhere and hurts nowhere.
func confirmed(trials []Trial) bool {
	helps := false
	for i := range trials {
		if !trials[i].judged() || trials[i].Hurts() {
			return false
		}
		helps = helps || trials[i].Helps()
	}
	return helps
}

// decidable says whether some level was judged in every scenario: otherwise none could have been
// adopted, however good it is.
func decidable(trials []Trial) bool {
	open := map[Choice]bool{} // levels: whether a trial of it was not judged
	for i := range trials {
		t := &trials[i]
		c := Choice{t.Axis, t.Level}
		open[c] = open[c] || !t.judged()
	}
	for _, unjudged := range open {
		if !unjudged {
			return true
		}
	}
	return false
}
