package gate

import (
	"fmt"
	"math"

	"flashstore/bench/record"
)

// The tail, and the share by which it may grow before that is said: single tails are noisy.
const (
	tailMetric = "p99"
	tailMargin = 0.10
)

// Trial is a comparison before the gate. The first stage settles by what it is judged: by the
// metric that decides, and by the tail where a longer one fails. The second stage looks only at
// what the first has shown a loss of.
type Trial struct {
	Rule      Rule                        // of no metric yet
	Margin    func(metric string) float64 // of the scenario
	TailFails bool
	judged    []Judgement // the metric that decides is the first
}

// Judgement is what the stages say of one metric.
type Judgement struct {
	Metric  string
	Margin  float64
	Stages  int // that have looked at it
	Finding Finding
	loss    bool // the first stage showed one
}

// First judges the first stage and says what is for the second to confirm. Without anything, or
// without a second stage, that is nothing.
func (t *Trial) First(legs []record.Leg) (toConfirm string) {
	metric := Metric(legs)
	t.judged = []Judgement{{Metric: metric, Margin: t.Margin(metric)}}
	if t.TailFails {
		t.judged = append(t.judged, Judgement{Metric: tailMetric, Margin: tailMargin})
	}
	for i := range t.judged {
		j := &t.judged[i]
		j.Stages = 1
		j.Finding, j.loss = t.rule(j).First(StageOf(legs, 0, t.Rule.Pairs, j.Metric))
		if j.loss && t.Rule.Confirm > 0 && toConfirm == "" {
			toConfirm = j.Metric + ": " + j.Finding.Reason
		}
	}
	return toConfirm
}

// Second judges the new pairs among the legs of both stages.
func (t *Trial) Second(legs []record.Leg) {
	for i := range t.judged {
		if j := &t.judged[i]; j.loss {
			j.Stages = 2
			j.Finding = t.rule(j).Second(StageOf(legs, t.Rule.Pairs, t.Rule.Confirm, j.Metric))
		}
	}
}

func (t *Trial) rule(j *Judgement) Rule {
	r := t.Rule.Of(j.Metric)
	r.Margin = j.Margin
	return r
}

// Decisive is the judgement that stands: that of the metric that decides, unless the tail was shown
// to be longer and makes it worse.
func (t *Trial) Decisive() Judgement {
	out := t.judged[0]
	for _, j := range t.judged[1:] {
		if said := out.Finding.Verdict; j.loss && Worst(said, j.Finding.Verdict) != said {
			out = j
			out.Finding.Reason = j.Metric + ": " + out.Finding.Reason
		}
	}
	return out
}

// TailWarning says by how much the tail is longer over all pairs; nothing where that is not shown.
// It decides nothing: a Trial does, in two stages.
func TailWarning(legs []record.Leg) string {
	stage := StageOf(legs, 0, math.MaxInt16, tailMetric)
	stage.Planned = len(stage.Differences)
	rule := NewRule(tailMargin, stage.Planned, 0).Of(tailMetric)
	f, loss := rule.judge(stage, rule.P2)
	if !loss {
		return ""
	}
	return fmt.Sprintf("%s is worse by %.0f%% (p = %.4f)", tailMetric, -100*f.Change, f.P)
}
