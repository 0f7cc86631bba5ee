package gate

import (
	"math"
	"math/rand/v2"

	"flashstore/bench/record"
)

// Rates counts verdicts of simulated runs.
type Rates struct {
	Runs    int
	Verdict map[Verdict]int
}

// Source gives the differences of n pairs that no other call of the same run gives.
type Source func(random *rand.Rand, run []float64)

// Normal is noise whose differences have this standard deviation.
func Normal(deviation float64) Source {
	return func(random *rand.Rand, run []float64) {
		for i := range run {
			run[i] = deviation * random.NormFloat64()
		}
	}
}

// Pool draws from recorded pairs of a binary against itself, without putting back. Which name a
// binary had is arbitrary, so each difference may be turned.
func Pool(differences []float64) Source {
	return func(random *rand.Rand, run []float64) {
		order := random.Perm(len(differences))
		for i := range run {
			run[i] = differences[order[i%len(order)]]
			if random.IntN(2) == 0 {
				run[i] = -run[i]
			}
		}
	}
}

// Simulate runs the gate on differences of a source, with a change planted into all pairs: -0.05
// makes the candidate 5% slower. The same seed gives the same rates.
func (r Rule) Simulate(source Source, change float64, runs int, seed uint64) Rates {
	random := rand.New(rand.NewPCG(seed, uint64(runs)))
	rates := Rates{Runs: runs, Verdict: map[Verdict]int{}}
	shift := math.Log1p(change)
	all := make([]float64, r.Pairs+r.Confirm)
	for range runs {
		source(random, all)
		for i := range all {
			all[i] += shift
		}
		f, confirm := r.First(Stage{Differences: all[:r.Pairs], Planned: r.Pairs})
		if confirm {
			f = r.Second(Stage{Differences: all[r.Pairs:], Planned: r.Confirm})
		}
		rates.Verdict[f.Verdict]++
	}
	return rates
}

// PoolOf are the differences of a metric over all quiet pairs of recorded legs of a scenario.
func PoolOf(legs []record.Leg, scenario, metric string) []float64 {
	bySession := map[string][]record.Leg{}
	var order []string
	last := 0
	for _, leg := range legs {
		if leg.Scenario != scenario || leg.Outcome != record.OK {
			continue
		}
		if bySession[leg.Session] == nil {
			order = append(order, leg.Session)
		}
		bySession[leg.Session] = append(bySession[leg.Session], leg)
		last = max(last, leg.Pair)
	}
	var out []float64
	for _, session := range order {
		out = append(out, StageOf(bySession[session], 0, last, metric).Differences...)
	}
	return out
}
