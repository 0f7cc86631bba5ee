package gate

import (
	"math"

	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// A disk leans by more than leanMin, and as far to that side as it would by chance in a tenth of
// all cases at most.
const (
	leanMin    = 0.05
	leanChance = 0.1
)

// DiskLeans says whether synced writes took longer before the legs of one side of the pairs, the
// base first. Load during one side only is found so, where single pairs of a disk that others share
// say nothing. It matters to a load that writes; what was not calibrated does not lean.
func DiskLeans(pairs [][2]record.Leg) bool {
	var moves, turned []float64
	for _, p := range pairs {
		base, candidate := p[0].Calibration.Sync, p[1].Calibration.Sync
		if p[0].Writes && base > 0 && candidate > 0 {
			move := math.Log(float64(candidate) / float64(base))
			moves, turned = append(moves, move), append(turned, -move)
		}
	}
	return math.Abs(stat.HodgesLehmann(moves)) > leanMin &&
		(stat.TLess(moves) < leanChance || stat.TLess(turned) < leanChance)
}
