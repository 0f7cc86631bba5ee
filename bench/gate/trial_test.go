package gate

import (
	"math/rand/v2"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// toAndFro is a tail that says nothing: half of the pairs have it longer, half of them shorter.
const toAndFro = 0

// tails are legs of pairs whose candidate has so many times the throughput and the p99, with some
// noise, and that are noisy where that is said.
func tails(random *rand.Rand, first, n int, throughput, tail float64, noisy bool) []record.Leg {
	legs := legsOf(random, n, throughput-1, 0.001)
	for i := range legs {
		legs[i].Pair += first
		legs[i].Noisy = noisy
		legs[i].Metrics["p99"] = 500 * (1 + 0.001*random.NormFloat64())
		if legs[i].Side == "candidate" {
			legs[i].Metrics["p99"] *= tail
		}
		if tail == toAndFro {
			legs[i].Metrics["p99"] = []float64{500, 750}[(i+i/2)%2] // the longer one on either side in turn
		}
	}
	return legs
}

// Whatever it is by, FAIL needs two stages that show the same metric worse: a single look at the
// tail, or one tail that is longer and one that is not, fails nothing.
func TestTrial(t *testing.T) {
	type stage struct {
		throughput, tail float64
		noisy            bool
	}
	same, slow, long := stage{1, 1, false}, stage{0.9, 1, false}, stage{1, 1.5, false}
	both, noisy := stage{0.9, 1.5, false}, stage{1, 1.5, true}
	for name, c := range map[string]struct {
		fails         bool // p99
		confirm       int
		first, second stage
		want          Verdict
		metric        string
		stages        int
	}{
		"the same":               {true, 12, same, same, Pass, "ops_per_s", 1},
		"slower":                 {true, 12, slow, slow, Fail, "ops_per_s", 2},
		"slower once":            {true, 12, slow, same, Pass, "ops_per_s", 2},
		"slower, no second":      {true, 0, slow, slow, Inconclusive, "ops_per_s", 1},
		"longer":                 {true, 12, long, long, Fail, "p99", 2},
		"longer, only said":      {false, 12, long, long, Pass, "ops_per_s", 1},
		"longer once":            {true, 12, long, same, Pass, "ops_per_s", 1},
		"longer later":           {true, 12, same, long, Pass, "ops_per_s", 1},
		"longer, no second":      {true, 0, long, long, Inconclusive, "p99", 1},
		"longer, then noisy":     {true, 12, long, noisy, Inconclusive, "p99", 2},
		"noisy":                  {true, 12, noisy, long, Inconclusive, "ops_per_s", 1},
		"both":                   {true, 12, both, both, Fail, "ops_per_s", 2},
		"both, then longer":      {true, 12, both, long, Fail, "p99", 2},
		"slower, then longer":    {true, 12, slow, long, Pass, "ops_per_s", 2},
		"by less than a tenth":   {true, 12, stage{1, 1.09, false}, stage{1, 1.09, false}, Pass, "ops_per_s", 1},
		"nobody knows the tail":  {true, 12, stage{1, toAndFro, false}, same, Pass, "ops_per_s", 1},
		"by more than a tenth":   {true, 12, stage{1, 1.105, false}, stage{1, 1.105, false}, Fail, "p99", 2},
		"faster and a long tail": {true, 12, stage{1.5, 1.5, false}, stage{1.5, 1.5, false}, Fail, "p99", 2},
		"half the tail":          {true, 12, stage{1.5, 0.5, false}, stage{1.5, 0.5, false}, Pass, "ops_per_s", 1},
	} {
		random := rand.New(rand.NewPCG(seed, 8))
		legs := tails(random, 0, 6, c.first.throughput, c.first.tail, c.first.noisy)
		trial := Trial{Rule: NewRule(0, 6, c.confirm), TailFails: c.fails,
			Margin: func(string) float64 { return 0.03 }}
		toConfirm := trial.First(legs)
		if toConfirm != "" {
			trial.Second(append(legs, tails(random, 6, 12, c.second.throughput, c.second.tail,
				c.second.noisy)...))
		}
		got := trial.Decisive()
		if got.Finding.Verdict != c.want || got.Metric != c.metric || got.Stages != c.stages {
			t.Errorf("seed %d: %s: to confirm %q, %+v; want %s by %s after %d stages", seed, name, toConfirm,
				got, c.want, c.metric, c.stages)
		}
		if c.metric == "p99" != strings.HasPrefix(got.Finding.Reason, "p99: ") {
			t.Errorf("%s: the reason is %q", name, got.Finding.Reason)
		}
	}
}

// A leg that fails in the second stage leaves no verdict, whatever was to be confirmed.
func TestTrialThatBreaks(t *testing.T) {
	for _, tail := range []float64{1, 1.5} {
		random := rand.New(rand.NewPCG(seed, 9))
		throughput := map[float64]float64{1: 0.9, 1.5: 1}[tail]
		legs := tails(random, 0, 6, throughput, tail, false)
		trial := Trial{Rule: NewRule(0, 6, 12), TailFails: true,
			Margin: func(string) float64 { return 0.03 }}
		toConfirm := trial.First(legs)
		trial.Second(append(legs, record.Leg{Outcome: record.Skipped, Reason: "why"}))
		if got := trial.Decisive().Finding; toConfirm == "" || got.Verdict != Invalid ||
			!strings.Contains(got.Reason, "why") {
			t.Errorf("a tail of %g: to confirm %q, %+v", tail, toConfirm, got)
		}
	}
}

// The tail is said where it has grown much over all pairs.
func TestTailWarning(t *testing.T) {
	for tail, want := range map[float64]string{0.5: "", 1: "", 1.05: "", 1.5: "p99 is worse by 50% (p = 0.0000)"} {
		random := rand.New(rand.NewPCG(seed, 10))
		if got := TailWarning(tails(random, 0, 6, 1, tail, false)); got != want {
			t.Errorf("seed %d: a tail of %g: %q, want %q", seed, tail, got, want)
		}
	}
}
