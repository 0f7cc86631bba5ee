package gate

import "flashstore/bench/record"

// Stage is what the planned pairs of a stage say.
type Stage struct {
	Differences []float64 // of the pairs that are quiet; see Pair
	Planned     int
	Noisy       int
	DiskLeans   bool   // see DiskLeans
	Problem     string // why a leg does not count; empty if all do
}

// StageOf collects the pairs first+1 … first+planned of a comparison. The metric is the primary
// one, or another where that says more.
func StageOf(legs []record.Leg, first, planned int, metric string) Stage {
	var mine []record.Leg
	problem := ""
	for _, leg := range legs {
		switch here := leg.Pair > first && leg.Pair <= first+planned; {
		case leg.Pair == 0 && leg.Outcome != record.OK: // why nothing could be run
			problem = string(leg.Outcome) + ": " + leg.Reason
		case !here || leg.Outcome == record.Discarded:
		case leg.Outcome != record.OK:
			problem = string(leg.Outcome) + " (" + leg.Side + "): " + leg.Reason
		default:
			mine = append(mine, leg)
		}
	}
	s := stageOf(PairsOf(mine, metric), planned)
	s.Problem = problem
	return s
}

// stageOf leaves noisy pairs out.
func stageOf(pairs []Pair, planned int) Stage {
	s := Stage{Planned: planned}
	var moves []float64
	for _, p := range pairs {
		if p.Noisy {
			s.Noisy++
			continue
		}
		s.Differences, moves = append(s.Differences, p.Difference), append(moves, p.Disk)
	}
	s.DiskLeans = leans(moves)
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
		side := Side(&legs[i])
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
