package report

import (
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// Support is what a metric that is to corroborate a verdict says by itself.
type Support struct {
	Metric  string
	Ratio   stat.Estimate // of ln(candidate/base)
	Verdict Verdict       // as if it decided
}

// corroborate asks the metrics that the scenario names for that, but for the one that decides: it
// agrees with itself.
func (r *Row) corroborate(first *record.Leg, pairs [][2]record.Leg) {
	_, decides := r.decisive()
	for _, metric := range first.Corroborate {
		if metric == decides {
			continue
		}
		s := Support{Metric: metric, Ratio: estimate(pairs, metric, first.Seed)}
		s.Verdict = r.judgeBy(s.Ratio, metric, minEffect(first, metric))
		r.Supports = append(r.Supports, s)
	}
}

// Agreement says what the metric makes of a verdict: that one is better or worse it may confirm, or
// not; where no difference is shown, it may show one. Empty: there is nothing to say.
func (s *Support) Agreement(v Verdict) string {
	shows := func(v Verdict) bool { return v == Better || v == Worse }
	name := s.Metric
	if name == cpuMetric {
		name = "server CPU"
	}
	switch {
	case shows(v) && s.Verdict == v:
		return name + " agrees"
	case shows(v) && shows(s.Verdict):
		return name + " disagrees"
	case shows(v):
		return name + " says nothing"
	case (v == NoDifference || v == TooSmall) && shows(s.Verdict):
		return name + " says " + string(s.Verdict)
	}
	return ""
}

// Contradicts says whether the metric shows the opposite of a verdict.
func (s *Support) Contradicts(v Verdict) bool {
	return v == Better && s.Verdict == Worse || v == Worse && s.Verdict == Better
}
