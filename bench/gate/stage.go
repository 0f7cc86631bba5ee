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
		legs  [2]record.Leg
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
		p.legs[sideOf(&leg)] = leg
		p.noisy = p.noisy || leg.Noisy
	}
	var quiet [][2]record.Leg
	for number := first + 1; number <= first+planned; number++ {
		p := pairs[number]
		if p == nil {
			continue
		}
		base, candidate := p.legs[0].Metrics[metric], p.legs[1].Metrics[metric]
		switch {
		case !(base > 0) || !(candidate > 0):
			continue
		case p.noisy:
			s.Noisy++
			continue
		}
		d := math.Log(candidate / base)
		if LowerIsBetter(metric) {
			d = -d
		}
		s.Differences = append(s.Differences, d)
		quiet = append(quiet, p.legs)
	}
	s.DiskLeans = DiskLeans(quiet)
	return s
}

// ClientShareMax is the share of the CPU of server and client above which the client is what
// throughput measures.
const ClientShareMax = 0.5

// Metric is what decides a comparison: the primary metric, but the server's CPU per operation
// where that is throughput and the client took most of the CPU on either side. A candidate that
// burns more CPU behind an idle client must not make throughput the judge of it.
func Metric(legs []record.Leg) string {
	var client, server [2]float64
	primary := ""
	for i := range legs {
		primary = legs[i].Primary
		if legs[i].Outcome != record.OK {
			continue
		}
		side := sideOf(&legs[i])
		client[side] += legs[i].Metrics["client_cpu_us_per_op"]
		server[side] += legs[i].Metrics["server_cpu_us_per_op"]
	}
	for side := range client {
		both := client[side] + server[side]
		if !LowerIsBetter(primary) && both > 0 && client[side]/both > ClientShareMax {
			return "server_cpu_us_per_op"
		}
	}
	return primary
}

// sideOf is the index of a leg's side, the base first.
func sideOf(leg *record.Leg) int {
	if leg.Side == "candidate" {
		return 1
	}
	return 0
}
