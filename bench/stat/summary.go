package stat

import (
	"math"

	"github.com/montanaflynn/stats"
)

// Median of values, NaN if there are none.
func Median(values []float64) float64 { return orNaN(stats.Median(values)) }

// MAD is the median absolute deviation from the median (not scaled), NaN if there are no values.
func MAD(values []float64) float64 { return orNaN(stats.MedianAbsoluteDeviation(values)) }

// Percentile by nearest rank: the smallest value that at least percent of all do not exceed.
// NaN if there are no values. Percent lies in (0, 100].
func Percentile(values []float64, percent float64) float64 {
	return orNaN(stats.PercentileNearestRank(values, percent))
}

func orNaN(v float64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return v
}
