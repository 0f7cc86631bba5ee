package bench

import (
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/host"
	"flashstore/bench/record"
	"flashstore/bench/warp"
)

// The course of a leg is taken in courseParts parts where each is long enough for a p99 of its own.
const (
	courseParts   = 20
	coursePartMin = 5 * time.Second
)

// spanSlack is how much longer or shorter than a part, as a share of it, the time between the
// samples may be whose CPU is taken for that of the part.
const spanSlack = 0.1

// hasCourse says whether a window, or a whole load, is long enough.
func hasCourse(window time.Duration) bool { return window/courseParts >= coursePartMin }

// course says how a server did from part to part of its window; nil of a window too short for that.
func course(operations []warp.Operation, samples []host.Sample, of figure.Figures) []record.Moment {
	if !hasCourse(of.To.Sub(of.From)) {
		return nil
	}
	length := of.To.Sub(of.From) / courseParts
	var moments []record.Moment
	for i := range time.Duration(courseParts) {
		from := of.From.Add(i * length)
		moments = append(moments, record.Moment{Seconds: ((i + 1) * length).Seconds(),
			Metrics: momentary(operations, samples, from, from.Add(length))})
	}
	return moments
}

// momentary is what is known of a part: of one without an answer its rate, 0, and its memory. Where
// the sampler itself stood still, CPU would be that of another time than the answers.
func momentary(
	operations []warp.Operation, samples []host.Sample, from, to time.Time,
) map[string]float64 {
	f, err := warp.Within(operations, from, to)
	answered := err == nil
	known := map[string]float64{"ops_per_s": f.PerSecond}
	if answered {
		known["p50"], known["p99"] = micros(f.P50), micros(f.P99)
	}
	w, sampled := host.Between(samples, from, to)
	if sampled {
		known["rss_mb"] = float64(w.RSSPeak) / (1 << 20)
	}
	stalled := (w.Span - w.Time).Abs() > time.Duration(spanSlack*float64(w.Time))
	if answered && sampled && !stalled {
		known["server_cpu_us_per_op"] = micros(w.Server) / float64(f.Operations)
	}
	return known
}
