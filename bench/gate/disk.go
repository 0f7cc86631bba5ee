package gate

import (
	"math"

	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// A disk leans by more than leanMin, and as far to that side as it would by chance in a twentieth
// of all cases at most. There are two sides, so of disks that move without leaning a tenth is taken
// for one that leans: it costs an INCONCLUSIVE, and no verdict is wrong by it.
const (
	leanMin    = 0.05
	leanChance = 0.05
)

// DiskLeans says whether synced writes took longer before the legs of one side of the pairs, the
// base first. Load during one side only is found so, where single pairs of a disk that others share
// say nothing. It matters to a load that writes; what was not calibrated does not lean.
func DiskLeans(pairs [][2]record.Leg) bool {
	var moves []float64
	for _, legs := range pairs {
		moves = append(moves, diskMove(legs))
	}
	return leans(moves)
}

// diskMove is how much longer synced writes took before the candidate's leg than before the base's,
// as a logarithm; 0 where that says nothing.
func diskMove(legs [2]record.Leg) float64 {
	base, candidate := legs[0].Calibration.Sync, legs[1].Calibration.Sync
	if !legs[0].Writes || base <= 0 || candidate <= 0 {
		return 0
	}
	return math.Log(float64(candidate) / float64(base))
}

func leans(all []float64) bool {
	var moves, turned []float64
	for _, move := range all {
		if move != 0 {
			moves, turned = append(moves, move), append(turned, -move)
		}
	}
	return math.Abs(stat.HodgesLehmann(moves)) > leanMin &&
		(stat.TLess(moves) < leanChance || stat.TLess(turned) < leanChance)
}
