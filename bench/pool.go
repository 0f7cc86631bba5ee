package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"flashstore/bench/gate"
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// pool is what flashbench aa has recorded of one scenario, as it was set: pairs of a server against
// itself. Another design or duration has other noise, so it is another pool.
type pool struct {
	scenario string
	metric   string     // that decides
	runs     []*poolRun // session by session
}

// poolRun is what one session has added.
type poolRun struct {
	session record.Session
	legs    []record.Leg // that are good
}

// readPools reads the pools of a record in order; none where there is no record.
func readPools(path string) ([]*pool, error) {
	index, err := record.Open(path)
	if err != nil {
		return nil, err
	}
	lines, _, err := index.Read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return poolsOf(lines), nil
}

func poolsOf(lines []record.Line) (pools []*pool) {
	sessions := map[string]record.Session{}
	known := map[[2]string]*pool{} // by scenario and its hash
	for _, line := range lines {
		if line.Session != nil {
			sessions[line.Session.ID] = *line.Session
		}
		leg := line.Leg
		if leg == nil || leg.Outcome != record.OK {
			continue
		}
		key := [2]string{leg.Scenario, leg.ScenarioHash}
		p := known[key]
		if p == nil {
			p = &pool{scenario: leg.Scenario}
			known[key], pools = p, append(pools, p)
		}
		p.add(leg, sessions)
	}
	for _, p := range pools {
		p.metric = gate.Metric(p.legs())
	}
	return pools
}

func (p *pool) add(leg *record.Leg, sessions map[string]record.Session) {
	i := slices.IndexFunc(p.runs, func(r *poolRun) bool { return r.session.ID == leg.Session })
	if i < 0 {
		session := sessions[leg.Session]
		session.ID = leg.Session
		i, p.runs = len(p.runs), append(p.runs, &poolRun{session: session})
	}
	p.runs[i].legs = append(p.runs[i].legs, *leg)
}

func (p *pool) legs() (legs []record.Leg) {
	for _, run := range p.runs {
		legs = append(legs, run.legs...)
	}
	return legs
}

// recorded are the pairs of each session, whose numbers are the same. Legs are compared by side, or
// by which of their pair they are: what differs then is not the server's doing but the order's.
func (p *pool) recorded(byPosition bool) (sessions gate.Recorded) {
	for _, run := range p.runs {
		legs := run.legs
		if byPosition {
			legs = slices.Clone(legs)
			for i := range legs {
				legs[i].Side = map[int]string{1: "base", 2: "candidate"}[legs[i].Position]
			}
		}
		sessions = append(sessions, gate.PairsOf(legs, p.metric))
	}
	return sessions
}

// design is told by the legs: those of a sliced pair share one calibration.
func (p *pool) design() string {
	for _, legs := range gate.WholePairs(p.runs[0].legs) {
		if legs[0].Calibration != legs[1].Calibration {
			return "paired"
		}
	}
	return "sliced"
}

// provenance names the sessions, and how to record them again.
func (p *pool) provenance() string {
	var b strings.Builder
	for _, run := range p.runs {
		words := []string{"flashbench", "aa"}
		for _, arg := range run.session.Args {
			if filepath.IsAbs(arg) {
				arg = filepath.Base(arg) // where a program lay says nothing
			}
			words = append(words, arg)
		}
		revision := run.session.Revision
		if run.session.Dirty {
			revision += " with changes"
		}
		fmt.Fprintf(&b, "Session %s, revision %s: `%s`.\n", run.session.ID, revision,
			strings.Join(words, " "))
	}
	return b.String()
}

// write says what a pool is and how often the gate is wrong on it; not ok where it is too small.
// Runs have noisy pairs as well: the gate meets them too, and leaves them out.
func (p *pool) write(b *strings.Builder, rule gate.Rule, runs int) (ok bool) {
	sessions := p.recorded(false)
	pairs := slices.Concat(sessions...)
	quiet := gate.Quiet(pairs)
	fmt.Fprintf(b, "\n**%s**, %s, by %s: %d pairs of a server against itself, %d of them noisy.\n%s",
		p.scenario, p.design(), p.metric, len(pairs), len(pairs)-len(quiet), p.provenance())
	_, apart := sessions.Apart(rule.Pairs + rule.Confirm)
	if len(quiet) < poolPairsMin || apart == 0 {
		fmt.Fprintf(b, "%d quiet pairs are needed, and %d in one session: no rates of it.\n",
			poolPairsMin, rule.Pairs+rule.Confirm)
		return false
	}
	fmt.Fprintf(b, "Of the quiet ones, the median absolute deviation of ln ratio is %.2f%%; one name "+
		"against the other: %s; the second leg of a pair against the first: %s. Where such an "+
		"interval leaves out zero, two equal servers differed by more than chance: by where their data "+
		"and memory lay, or by their order. Both stages of a gate share that.\n\n",
		100*stat.MAD(quiet), centre(quiet), centre(gate.Quiet(slices.Concat(p.recorded(true)...))))
	recordedCurve(b, rule.Of(p.metric), sessions, runs)
	return true
}

// falseFails is how many of the runs that share no pair FAIL without a change.
func (p *pool) falseFails(rule gate.Rule) (fails, runs int) {
	source, runs := p.recorded(false).Apart(rule.Pairs + rule.Confirm)
	return rule.Of(p.metric).Simulate(source, 0, runs, selftestSeed).Verdict[gate.Fail], runs
}
