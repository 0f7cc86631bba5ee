package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"flashstore/bench/gate"
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// LevelMin is the least coverage of an interval that supports a verdict: four pairs have 87.5%.
const LevelMin = 0.85

// Verdict is the answer to a comparison.
type Verdict string

// The verdicts.
const (
	Better       Verdict = "better"
	Worse        Verdict = "worse"
	NoDifference Verdict = "no difference shown"
	TooSmall     Verdict = "difference too small to matter"
	TooFew       Verdict = "too few pairs"
	TooNoisy     Verdict = "the machine was not quiet"
	NoResult     Verdict = "no result"
)

// Row is one comparison of one session.
type Row struct {
	Session, Scenario string
	Base, Candidate   string // levels that differ
	Primary           string
	Decides           string   // metric that the verdict is of; see gate.Metric
	Report            []string // metrics shown beside Primary
	MinEffect         float64  // of Decides
	Pairs             int      // that count
	Noisy             int      // of them
	DiskLeans         bool
	Retried           int // attempts given up because of drift
	Problems          []string
	Withdrawn         string                // why its figures count for nothing; empty: they count
	Caveat            string                // what the figures cannot say, as NOT LIKE FOR LIKE: why
	Unsuited          bool                  // the machine is too small for the question
	Medians           [2]map[string]float64 // by side, base first; metric → median over pairs
	Ratio             stat.Estimate         // of ln(candidate/base) of the primary metric
	CPU               stat.Estimate         // of ln(candidate/base) of the server's CPU per operation
	ClientShare       float64               // of the CPU of both processes; the larger of the sides
	Others            float64               // share of the machine that others took, the median
	Verdict           Verdict
	Supports          []Support          // of the metrics that are to corroborate it
	Costs             [2][]gate.Counts   // of a request by side, a leg each; none: it keeps no account
	Courses           [2][]record.Moment // within legs, by side; nil of short ones
	Gate              *record.Verdict    // of a gate, by its own rule; it stands in place of Verdict
}

// ClientBound says whether the client took most of the CPU.
func (r Row) ClientBound() bool { return r.ClientShare > gate.ClientShareMax }

// Rows summarizes legs, one row a comparison, in the order in which they were first run. What gates
// have decided on them is shown as it was decided: their stages are no pairs of one experiment.
func Rows(legs []record.Leg, gates ...record.Verdict) []Row {
	type key struct{ session, scenario, hash, base, candidate string }
	var order []key
	groups := map[key][]record.Leg{}
	for _, leg := range legs {
		k := key{leg.Session, leg.Scenario, leg.ScenarioHash, leg.Base, leg.Candidate}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], leg)
	}
	rows := make([]Row, len(order))
	for i, k := range order {
		rows[i] = newRow(groups[k])
		for g := range gates {
			if gates[g].Session == k.session && gates[g].Scenario == k.scenario {
				rows[i].Gate = &gates[g]
			}
		}
	}
	return rows
}

func newRow(legs []record.Leg) Row {
	first := legs[0]
	r := Row{
		Session: first.Session, Scenario: first.Scenario,
		Base: first.Base, Candidate: first.Candidate,
		Primary: first.Primary, Decides: gate.Metric(legs), Report: first.Report,
		Caveat:  first.Caveat,
		Verdict: NoResult,
	}
	r.note(legs)
	pairs := gate.WholePairs(legs)
	if r.Withdrawn != "" {
		pairs, r.Problems = nil, nil
	}
	r.Pairs = len(pairs)
	if r.Pairs == 0 {
		return r
	}
	for side := range r.Medians {
		r.Medians[side] = map[string]float64{}
		r.Costs[side], r.Courses[side] = costs(pairs, side), courseOf(pairs, side)
		for metric := range pairs[0][side].Metrics {
			r.Medians[side][metric] = stat.Median(column(pairs, side, metric))
		}
		client := r.Medians[side]["client_cpu_us_per_op"]
		server := r.Medians[side][cpuMetric]
		if client+server > 0 {
			r.ClientShare = max(r.ClientShare, client/(client+server))
		}
	}
	var quiet [][2]record.Leg
	var others []float64
	for _, pair := range pairs {
		others = append(others, pair[0].OtherCPU, pair[1].OtherCPU)
		if gate.Noisy(pair) {
			r.Noisy++
		} else {
			quiet = append(quiet, pair)
		}
	}
	r.DiskLeans, r.Others = gate.DiskLeans(quiet), stat.Median(others)
	r.Ratio = estimate(pairs, r.Primary, first.Seed)
	r.CPU = estimate(pairs, cpuMetric, first.Seed)
	_, metric := r.decisive()
	r.MinEffect = minEffect(&first, metric)
	r.Verdict = r.judge()
	r.corroborate(&first, pairs)
	return r
}

// costs are what legs of a side cost by their server's own account, of those that have one.
func costs(pairs [][2]record.Leg, side int) (out []gate.Counts) {
	for _, pair := range pairs {
		if len(pair[side].Cost) > 0 {
			out = append(out, pair[side].Cost)
		}
	}
	return out
}

// minEffect is the share of a metric below which a difference is nothing.
func minEffect(leg *record.Leg, metric string) float64 {
	if metric == cpuMetric && leg.CPUMinEffect != nil {
		return *leg.CPUMinEffect
	}
	return leg.MinEffect
}

// note says why legs do not count.
func (r *Row) note(legs []record.Leg) {
	for _, leg := range legs {
		switch leg.Outcome {
		case record.OK:
		case record.Discarded:
			r.Retried++
		case record.Withdrawn:
			r.Withdrawn = cmp.Or(leg.Reason, "nobody said why")
		case record.Unsuited:
			r.Unsuited = true
			r.Problems = append(r.Problems, "not for this machine: "+leg.Reason)
		default:
			problem := string(leg.Outcome) + " (" + leg.Side + "): " + leg.Reason
			if !slices.Contains(r.Problems, problem) {
				r.Problems = append(r.Problems, problem)
			}
		}
	}
}

func column(pairs [][2]record.Leg, side int, metric string) []float64 {
	out := make([]float64, len(pairs))
	for i, pair := range pairs {
		out[i] = pair[side].Metrics[metric]
	}
	return out
}

// estimate leaves out a metric that some leg could not measure: CPU below one tick, say.
func estimate(pairs [][2]record.Leg, metric string, seed uint64) stat.Estimate {
	base, candidate := column(pairs, 0, metric), column(pairs, 1, metric)
	for _, v := range append(slices.Clone(base), candidate...) {
		if !(v > 0) {
			return stat.Paired(nil, seed)
		}
	}
	return stat.Paired(stat.LogRatios(base, candidate), seed)
}

// decisive is the estimate of what decides. What could not be measured does not.
func (r *Row) decisive() (e stat.Estimate, metric string) {
	if r.Decides == cpuMetric && r.CPU.N > 0 {
		return r.CPU, cpuMetric
	}
	return r.Ratio, r.Primary
}

func (r *Row) judge() Verdict {
	e, metric := r.decisive()
	return r.judgeBy(e, metric, r.MinEffect)
}

// judgeBy is the verdict if an estimate of a metric decided.
func (r *Row) judgeBy(e stat.Estimate, metric string, minEffect float64) Verdict {
	switch {
	case e.N == 0:
		return NoResult
	case e.Level < LevelMin:
		return TooFew
	case 2*r.Noisy > r.Pairs, r.DiskLeans:
		return TooNoisy
	case !e.Excludes(0):
		return NoDifference
	case math.Abs(percent(e.Center)) < minEffect*100:
		return TooSmall
	case (e.Center > 0) != gate.LowerIsBetter(metric):
		return Better
	}
	return Worse
}

// said is the verdict with what must not be read without it.
func (r *Row) said() string {
	if r.Withdrawn != "" {
		return "withdrawn: " + r.Withdrawn
	}
	text := string(r.Verdict) + r.by()
	for i := range r.Supports {
		if s := &r.Supports[i]; s.Contradicts(r.Verdict) {
			text += ", " + s.Agreement(r.Verdict)
		}
	}
	if r.Gate != nil {
		text = "gate: " + r.Gate.Verdict
	}
	if caveat, _, _ := strings.Cut(r.Caveat, ":"); caveat != "" {
		text += ", " + caveat
	}
	switch {
	case r.Unsuited:
		text += ", not for this machine"
	case len(r.Problems) > 0:
		text += fmt.Sprintf(", %d %s", len(r.Problems), plural(len(r.Problems), "problem"))
	}
	return text
}

// by names what decides where it is not the primary metric.
func (r *Row) by() string {
	if _, metric := r.decisive(); metric == r.Primary || r.Verdict == TooFew || r.Verdict == TooNoisy {
		return ""
	}
	return " by server CPU"
}

// LossesFirst sorts rows by verdict: what the candidate loses, what is undecided, what it wins.
func LossesFirst(rows []Row) []Row {
	rank := map[Verdict]int{Worse: -1, Better: 1}
	slices.SortStableFunc(rows, func(a, b Row) int { return rank[a.Verdict] - rank[b.Verdict] })
	return rows
}

// percent turns a log ratio into a change in hundredths.
func percent(logRatio float64) float64 { return 100 * math.Expm1(logRatio) }
