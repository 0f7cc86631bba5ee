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

// courseMetrics are those of metrics that a part has by itself.
func courseMetrics() []string {
	return []string{"ops_per_s", "p50", "p99", "server_cpu_us_per_op", "rss_mb"}
}

// course says how a server did from part to part of its window; nil of a window too short for that.
// A part without an answer has a rate of 0 and no latency.
func course(operations []warp.Operation, samples []host.Sample, of figure.Figures) []record.Moment {
	length := of.To.Sub(of.From) / courseParts
	if length < coursePartMin {
		return nil
	}
	var moments []record.Moment
	for i := range courseParts {
		from := of.From.Add(time.Duration(i) * length)
		moment := record.Moment{Seconds: from.Add(length).Sub(of.From).Seconds(),
			Metrics: map[string]float64{"ops_per_s": 0}}
		figures, err := warp.Within(operations, from, from.Add(length))
		window, ok := host.Between(samples, from, from.Add(length))
		if err == nil && ok {
			all := metrics(figures, window)
			for _, name := range courseMetrics() {
				moment.Metrics[name] = all[name]
			}
		}
		moments = append(moments, moment)
	}
	return moments
}
