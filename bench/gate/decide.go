package gate

import (
	"fmt"
	"math"

	"flashstore/bench/stat"
)

// Verdict is the answer of the gate.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
	Invalid      Verdict = "INVALID"
)

// Rule is how the gate decides.
type Rule struct {
	Margin         float64 // a loss up to this share is none
	Pairs, Confirm int     // of the two stages
	P1, P2         float64 // one-sided p below which a stage shows a loss
	GoodShare      float64 // of a stage's pairs that must be quiet
	Cost           bool    // the metric is better the less there is of it; see Of
}

// PairsMin is the least number of pairs that decide anything: two say next to nothing of how far
// they are apart by chance.
const PairsMin = 3

// PassLevel is what the interval of a PASS holds at, one-sided.
const PassLevel = 0.95

// NewRule is the rule for a margin and numbers of pairs.
func NewRule(margin float64, pairs, confirm int) Rule {
	return Rule{Margin: margin, Pairs: pairs, Confirm: confirm, P1: 0.05, P2: 0.01, GoodShare: 2.0 / 3}
}

// Of is the rule for a metric: a rate is lost by what it falls, a cost by what it grows.
func (r Rule) Of(metric string) Rule {
	r.Cost = LowerIsBetter(metric)
	return r
}

// share is what the logarithm of a Pair says of the candidate: below zero is worse.
func (r Rule) share(d float64) float64 {
	if r.Cost {
		return -math.Expm1(-d)
	}
	return math.Expm1(d)
}

// logarithm is the inverse of share.
func (r Rule) logarithm(share float64) float64 {
	if r.Cost {
		return -math.Log1p(-share)
	}
	return math.Log1p(share)
}

// Finding is what a stage, or both, amount to.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	Pairs   int     `json:"pairs"` // that count: none of them where a leg failed
	*Figures
}

// Figures are what was computed of pairs. A finding without any has nil, and no zeros, which would
// be figures.
type Figures struct {
	Change float64 `json:"change"` // Hodges-Lehmann, as a share: -0.05 is 5% worse
	Lower  float64 `json:"lower"`  // end of the one-sided interval at PassLevel
	P      float64 `json:"p"`      // one-sided, of "not worse"
}

// First judges the first stage. Where it shows a loss, that is for the second to confirm.
func (r Rule) First(s Stage) (f Finding, loss bool) {
	f, loss = r.judge(s, r.P1)
	if loss {
		f.Verdict = Inconclusive
		f.Reason = fmt.Sprintf("a loss of %.1f%% in the first stage (p = %.3f), to be confirmed",
			-100*f.Change, f.P)
	}
	return f, loss
}

// Second judges new pairs after a first stage that showed a loss.
func (r Rule) Second(s Stage) Finding {
	f, loss := r.judge(s, r.P2)
	if loss {
		f.Verdict = Fail
		f.Reason = fmt.Sprintf("a loss of %.1f%% in both stages (p = %.4f in the second)",
			-100*f.Change, f.P)
	}
	return f
}

// judge says whether a stage shows a loss at level p; if not, f has the verdict. It has figures if
// the pairs are enough to compute them of.
func (r Rule) judge(s Stage, p float64) (f Finding, loss bool) {
	if s.Problem != "" {
		f.Verdict, f.Reason = Invalid, s.Problem
		return f, false
	}
	f.Pairs = len(s.Differences)
	switch {
	case float64(f.Pairs) < r.GoodShare*float64(s.Planned) || f.Pairs < PairsMin:
		f.Verdict = Inconclusive
		f.Reason = fmt.Sprintf("the machine was not quiet: %d of %d pairs count", f.Pairs, s.Planned)
		return f, false
	case s.DiskLeans:
		f.Verdict, f.Reason = Inconclusive, "the disk was slower before the legs of one side"
		return f, false
	}
	f.Figures = &Figures{
		Change: r.share(stat.HodgesLehmann(s.Differences)),
		Lower:  r.share(stat.TLower(s.Differences, PassLevel)),
		P:      stat.TLess(s.Differences),
	}
	switch {
	case f.Change < -r.Margin && f.P < p:
		return f, true
	case f.Lower > -r.Margin && f.Change > -r.Margin: // both the mean and the estimate exclude it
		f.Verdict = Pass
		f.Reason = fmt.Sprintf("%+.1f%%, and not worse than %+.1f%% at %.0f%%", 100*f.Change,
			100*f.Lower, 100*PassLevel)
	default:
		f.Verdict = Inconclusive
		f.Reason = fmt.Sprintf("%+.1f%%, but a loss of %.1f%% cannot be excluded (down to %+.1f%%)",
			100*f.Change, 100*r.Margin, 100*min(f.Change, f.Lower))
	}
	return f, false
}

// Worst is the verdict of several: FAIL before INVALID before INCONCLUSIVE before PASS.
func Worst(verdicts ...Verdict) Verdict {
	for _, v := range []Verdict{Fail, Invalid, Inconclusive} {
		for _, got := range verdicts {
			if got == v {
				return v
			}
		}
	}
	if len(verdicts) == 0 {
		return Invalid
	}
	return Pass
}
