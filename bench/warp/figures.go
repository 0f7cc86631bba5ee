package warp

import (
	"fmt"
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/stat"
)

// shareMin: a run that covers less of its duration than this stopped early or stalled.
const shareMin = 0.9

// Summarize counts the operations that ended within duration less both trims, from the start of
// the first. Errors wrap ErrInvalid.
func Summarize(operations []Operation, duration, head, tail time.Duration) (figure.Figures, error) {
	if len(operations) == 0 {
		return figure.Figures{}, fmt.Errorf("%w: no operations", ErrInvalid)
	}
	first, last := bounds(operations)
	if covered := last.Sub(first); covered < time.Duration(shareMin*float64(duration)) {
		return figure.Figures{}, fmt.Errorf("%w: operations cover %s of %s",
			ErrInvalid, covered.Round(time.Millisecond), duration)
	}
	return Within(operations, first.Add(head), first.Add(duration-tail))
}

// Within counts the operations that ended from one time on and before another. Errors wrap
// ErrInvalid: there is none.
func Within(operations []Operation, from, to time.Time) (figure.Figures, error) {
	f := figure.Figures{From: from, To: to}
	var latencies, ttfbs []float64
	bytes := int64(0)
	for _, o := range operations {
		if o.End.Before(f.From) || !o.End.Before(f.To) {
			continue
		}
		bytes += o.Bytes
		latencies = append(latencies, float64(o.End.Sub(o.Start)))
		if !o.FirstByte.IsZero() {
			ttfbs = append(ttfbs, float64(o.FirstByte.Sub(o.Start)))
		}
	}
	f.Operations = len(latencies)
	if f.Operations == 0 {
		return figure.Figures{}, fmt.Errorf("%w: no operation ended within the window", ErrInvalid)
	}
	seconds := f.To.Sub(f.From).Seconds()
	f.PerSecond = float64(f.Operations) / seconds
	f.BytesPerSecond = float64(bytes) / seconds
	for percent, out := range map[float64]*time.Duration{
		50: &f.P50, 90: &f.P90, 99: &f.P99, 99.9: &f.P999,
	} {
		*out = time.Duration(stat.Percentile(latencies, percent))
	}
	for _, percent := range figure.Percents() {
		f.Quantiles = append(f.Quantiles, time.Duration(stat.Percentile(latencies, percent)))
	}
	if len(ttfbs) > 0 {
		f.TTFB50 = time.Duration(stat.Percentile(ttfbs, 50))
	}
	return f, nil
}

// Covered is how long operations took from the first start to the last end, at most limit.
func Covered(operations []Operation, limit time.Duration) time.Duration {
	if len(operations) == 0 {
		return limit
	}
	first, last := bounds(operations)
	return min(limit, last.Sub(first))
}

func bounds(operations []Operation) (first, last time.Time) {
	first, last = operations[0].Start, operations[0].End
	for _, o := range operations {
		if o.Start.Before(first) {
			first = o.Start
		}
		if o.End.After(last) {
			last = o.End
		}
	}
	return first, last
}
