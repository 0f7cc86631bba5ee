package gate

import (
	"math"

	"flashstore/bench/host"
	"flashstore/bench/stat"
)

// leanChance is the chance that a disk that moves alike before both sides is said to lean one way.
const leanChance = 0.1

// DiskLeans says whether synced writes took longer before the legs of one side of the pairs, the
// base first: by more than host.DriftMax, and not likely by chance. Load during one side only is
// found so, where single pairs of a disk that others share say nothing. What was not calibrated
// does not lean.
func DiskLeans(pairs [][2]host.Calibration) bool {
	var moves, turned []float64
	for _, p := range pairs {
		if p[0].Sync > 0 && p[1].Sync > 0 {
			move := math.Log(float64(p[1].Sync) / float64(p[0].Sync))
			moves, turned = append(moves, move), append(turned, -move)
		}
	}
	return math.Abs(stat.HodgesLehmann(moves)) > host.DriftMax &&
		(stat.TLess(moves) < leanChance || stat.TLess(turned) < leanChance)
}
