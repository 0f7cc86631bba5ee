package gate

import (
	"math"

	"flashstore/bench/record"
)

// LowerIsBetter says of a metric whether less of it is better.
func LowerIsBetter(metric string) bool { return metric != "ops_per_s" && metric != "mb_per_s" }

// StageOf collects the pairs first+1 … first+planned of a comparison. The metric is the primary
// one, or another where that says more.
func StageOf(legs []record.Leg, first, planned int, metric string) Stage {
	s := Stage{Planned: planned}
	type half struct {
		value [2]float64
		noisy bool
	}
	pairs := map[int]*half{}
	for _, leg := range legs {
		if leg.Pair == 0 && leg.Outcome != record.OK {
			s.Problem = string(leg.Outcome) + ": " + leg.Reason
		}
		if leg.Pair <= first || leg.Pair > first+planned || leg.Outcome == record.Discarded {
			continue
		}
		if leg.Outcome != record.OK {
			s.Problem = string(leg.Outcome) + " (" + leg.Side + "): " + leg.Reason
			continue
		}
		p := pairs[leg.Pair]
		if p == nil {
			p = &half{}
			pairs[leg.Pair] = p
		}
		side := 0
		if leg.Side == "candidate" {
			side = 1
		}
		p.value[side] = leg.Metrics[metric]
		p.noisy = p.noisy || leg.Noisy
	}
	for number := first + 1; number <= first+planned; number++ {
		p := pairs[number]
		switch {
		case p == nil || !(p.value[0] > 0) || !(p.value[1] > 0):
			continue
		case p.noisy:
			s.Noisy++
			continue
		}
		d := math.Log(p.value[1] / p.value[0])
		if LowerIsBetter(metric) {
			d = -d
		}
		s.Differences = append(s.Differences, d)
	}
	return s
}

// clientShareMax: above it the client is what throughput measures.
const clientShareMax = 0.5

// Metric is what decides a comparison: the primary metric, but the server's CPU per operation
// where that is throughput and the client took most of the CPU.
func Metric(legs []record.Leg) string {
	client, server, primary := 0.0, 0.0, ""
	for _, leg := range legs {
		primary = leg.Primary
		client += leg.Metrics["client_cpu_us_per_op"]
		server += leg.Metrics["server_cpu_us_per_op"]
	}
	if !LowerIsBetter(primary) && client+server > 0 && client/(client+server) > clientShareMax {
		return "server_cpu_us_per_op"
	}
	return primary
}
