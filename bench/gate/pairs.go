package gate

import (
	"maps"
	"math"
	"slices"

	"flashstore/bench/record"
)

// Pair is what a decision needs of two legs, one of each side. Both logarithms are of
// candidate / base.
type Pair struct {
	Difference float64 // of a metric, turned so that below zero is worse
	Disk       float64 // of the synced writes before the legs; 0: not calibrated, or it only reads
	Noisy      bool
}

// Turned is the pair with its sides exchanged.
func (p Pair) Turned() Pair {
	p.Difference, p.Disk = -p.Difference, -p.Disk
	return p
}

// Side is the index of a leg's side, the base first.
func Side(leg *record.Leg) int {
	if leg.Side == "base" {
		return 0
	}
	return 1
}

// WholePairs are those of which both legs are good, by number, the base's leg first. Of legs of the
// same side and number the last one counts: the first was cut off.
func WholePairs(legs []record.Leg) (whole [][2]record.Leg) {
	pairs := map[int]*[2]*record.Leg{}
	for i := range legs {
		leg := &legs[i]
		if leg.Outcome != record.OK {
			continue
		}
		if pairs[leg.Pair] == nil {
			pairs[leg.Pair] = &[2]*record.Leg{}
		}
		pairs[leg.Pair][Side(leg)] = leg
	}
	for _, number := range slices.Sorted(maps.Keys(pairs)) {
		if p := pairs[number]; p[0] != nil && p[1] != nil {
			whole = append(whole, [2]record.Leg{*p[0], *p[1]})
		}
	}
	return whole
}

// LowerIsBetter says of a metric whether less of it is better.
func LowerIsBetter(metric string) bool { return metric != "ops_per_s" && metric != "mb_per_s" }

// PairsOf are what the whole pairs among legs of one comparison say of a metric, but for those of
// which a leg did not measure it.
func PairsOf(legs []record.Leg, metric string) (pairs []Pair) {
	for _, whole := range WholePairs(legs) {
		base, candidate := whole[0].Metrics[metric], whole[1].Metrics[metric]
		if !(base > 0) || !(candidate > 0) {
			continue
		}
		d := math.Log(candidate / base)
		if LowerIsBetter(metric) {
			d = -d
		}
		pairs = append(pairs, Pair{Difference: d, Disk: diskMove(whole), Noisy: Noisy(whole)})
	}
	return pairs
}

// Noisy says whether the machine spoilt a pair.
func Noisy(legs [2]record.Leg) bool { return legs[0].Noisy || legs[1].Noisy }
