package gate

import "math/rand/v2"

// Rates counts verdicts of simulated runs.
type Rates struct {
	Runs    int
	Verdict map[Verdict]int
}

// Source fills a run with pairs.
type Source func(random *rand.Rand, run []Pair)

// Normal is noise whose differences have this standard deviation, on a machine that is quiet.
func Normal(deviation float64) Source {
	return func(random *rand.Rand, run []Pair) {
		for i := range run {
			run[i] = Pair{Difference: deviation * random.NormFloat64()}
		}
	}
}

// Pool draws from recorded pairs of a binary against itself: each once in a run, unless a run is
// longer than the pool. Which name a binary had is arbitrary, so each pair may be turned.
func Pool(pairs []Pair) Source {
	return func(random *rand.Rand, run []Pair) {
		order := random.Perm(len(pairs))
		for i := range run {
			run[i] = pairs[order[i%len(order)]]
			if random.IntN(2) == 0 {
				run[i] = run[i].Turned()
			}
		}
	}
}

// Simulate runs the gate on pairs of a source, with a change planted into all of them: -0.05 makes
// a rate 5% lower, or a cost 5% higher. The same seed gives the same rates.
func (r Rule) Simulate(source Source, change float64, runs int, seed uint64) Rates {
	random := rand.New(rand.NewPCG(seed, uint64(runs)))
	rates := Rates{Runs: runs, Verdict: map[Verdict]int{}}
	shift := r.logarithm(change)
	all := make([]Pair, r.Pairs+r.Confirm)
	for range runs {
		source(random, all)
		for i := range all {
			all[i].Difference += shift
		}
		f, loss := r.First(stageOf(all[:r.Pairs], r.Pairs))
		if loss && r.Confirm > 0 {
			f = r.Second(stageOf(all[r.Pairs:], r.Confirm))
		}
		rates.Verdict[f.Verdict]++
	}
	return rates
}

// Quiet are the differences of pairs that the machine did not spoil.
func Quiet(pairs []Pair) []float64 { return stageOf(pairs, len(pairs)).Differences }
