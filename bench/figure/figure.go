package figure

import "time"

// Figures of one leg's load. Latencies are from sending the request (open loop: from when it was
// due) to the last byte of the answer.
type Figures struct {
	From, To            time.Time // the window
	Operations          int       // that ended in it
	PerSecond           float64
	BytesPerSecond      float64
	P50, P90, P99, P999 time.Duration
	TTFB50              time.Duration   // zero if no operation has a first byte
	Quantiles           []time.Duration // at Percents
}

// Percents at which the distribution of latencies is kept, for plots.
func Percents() []float64 {
	return []float64{1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100}
}
