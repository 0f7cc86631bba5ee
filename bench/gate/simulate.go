package gate

import (
	"math/rand/v2"
	"slices"
)

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

// Recorded are pairs of a binary against itself, session by session, as one followed the other.
type Recorded [][]Pair

// Drawn gives runs of pairs that followed each other in one session, since neighbours share what
// the machine, and the place of data in memory, do to one of two servers: a run of pairs from here
// and there would lose that, and a gate does not. Which name a binary had is arbitrary for a run as
// a whole, which so may be turned. Sessions shorter than a run are left out; without a longer one
// a run has noisy pairs alone.
func (r Recorded) Drawn() Source {
	return func(random *rand.Rand, run []Pair) {
		starts := 0
		for _, session := range r {
			starts += max(0, len(session)-len(run)+1)
		}
		if starts == 0 {
			fill(run, nil, false)
			return
		}
		start := random.IntN(starts)
		turned := random.IntN(2) == 0
		for _, session := range r {
			here := max(0, len(session)-len(run)+1)
			if start < here {
				fill(run, session[start:], turned)
				return
			}
			start -= here
		}
	}
}

// Apart gives runs of length pairs that share none: each as it was recorded, and turned, which are
// n runs. What comes after them are noisy pairs.
func (r Recorded) Apart(length int) (source Source, n int) {
	var runs [][]Pair
	for _, session := range r {
		for run := range slices.Chunk(session, length) {
			if len(run) == length {
				runs = append(runs, run)
			}
		}
	}
	next := 0
	return func(_ *rand.Rand, run []Pair) {
		if next == 2*len(runs) {
			fill(run, nil, false)
			return
		}
		fill(run, runs[next/2], next%2 == 1)
		next++
	}, 2 * len(runs)
}

// fill copies pairs, as they are or turned; where there are too few, the rest is noisy.
func fill(run, pairs []Pair, turned bool) {
	for i := range run {
		switch {
		case i >= len(pairs):
			run[i] = Pair{Noisy: true}
		case turned:
			run[i] = pairs[i].Turned()
		default:
			run[i] = pairs[i]
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
