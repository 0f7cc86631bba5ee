package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
)

// failuresMax ends a comparison that does not work: further pairs would fail in the same way.
const failuresMax = 2

// compare runs all pairs of a comparison and returns their records. What spoils legs is in the
// records; an error ends the session.
func (s *session) compare(
	ctx context.Context, sc *scenario.Scenario, sides [2]contender,
) ([]record.Leg, error) {
	m, err := s.newComparison(sc, sides)
	if err != nil {
		return nil, err
	}
	return m.run(ctx, stage{pairs: sc.Run.Pairs, seed: sc.Run.Seed})
}

// stage is a run of pairs: they are numbered from first+1.
type stage struct {
	first, pairs int
	seed         uint64
}

// run is a comparison of one stage.
func (m *comparison) run(ctx context.Context, st stage) (legs []record.Leg, err error) {
	defer func() { err = errors.Join(err, m.cleanUp()) }()
	return m.stage(ctx, st)
}

// stage prepares and runs what is not recorded yet of a stage.
func (m *comparison) stage(ctx context.Context, st stage) ([]record.Leg, error) {
	if legs, whole := m.recorded(st); whole {
		m.legsPlanned -= 2 * st.pairs
		return legs, nil
	}
	if reason := m.unsuited(); reason != "" {
		return m.skip(record.Unsuited, reason, st)
	}
	if reason, err := m.prepare(ctx); err != nil {
		return nil, err
	} else if reason != "" {
		return m.skip(record.Skipped, reason, st)
	}
	return m.pairs(ctx, st)
}

// unsuited says what this machine lacks for the comparison.
func (m *comparison) unsuited() string {
	if lack := coresLack(m.scenario.Requires); lack != "" {
		return lack
	}
	flags := host.TakeFingerprint(m.workspace.Path()).CPUFlags
	for _, side := range m.sides {
		for _, choice := range side.axes {
			if missing := choice.Lacks(flags); len(missing) > 0 {
				return fmt.Sprintf("%s %s: this CPU has no %s", choice.Axis, choice.Value,
					strings.Join(missing, ", "))
			}
		}
	}
	return ""
}

// skip records that nothing more of a comparison can be run, and why.
func (m *comparison) skip(
	outcome record.Outcome, reason string, st stage,
) ([]record.Leg, error) {
	leg := m.newLeg(pair.Base, 0, 0)
	leg.Outcome, leg.Reason = outcome, m.local(reason)
	m.legsPlanned -= 2 * st.pairs
	fmt.Fprintf(m.messages, "  %s: %s\n", outcome, leg.Reason)
	return []record.Leg{leg}, m.add(record.Line{Leg: &leg})
}

// prepare checks what the scenario requires, preloads its data and finds the rate of an open loop,
// each once. A reason means: skip it.
func (m *comparison) prepare(ctx context.Context) (reason string, err error) {
	if lack, err := m.diskLack(m.scenario.Requires); err != nil || lack != "" {
		return lack, err
	}
	if m.scenario.Workload.Data == "preload" && m.data[0] == "" {
		if err := m.preloadSides(ctx); err != nil {
			return firstLines(err, ctx)
		}
	}
	if m.scenario.Workload.Rate > 0 && m.rate == 0 {
		return firstLines(m.findRate(ctx), ctx)
	}
	return "", nil
}

// preloadSides writes the data of both sides: once, where they can share it.
func (m *comparison) preloadSides(ctx context.Context) error {
	if err := m.preload(ctx, pair.Base); err != nil {
		return err
	}
	m.data[1] = m.data[0]
	if m.scenario.Run.Sliced() || !m.sides[0].sharesData(m.sides[1]) { // drives have one server
		return m.preload(ctx, pair.Candidate)
	}
	return nil
}

// settleMax is how long a server may go on with what it was given in a preload.
const settleMax = 20 * time.Second

// preload writes the objects of a scenario with the server of a side.
func (m *comparison) preload(ctx context.Context, side pair.Side) (err error) {
	if m.data[side], err = m.workspace.Fresh("preloaded-" + side.String()); err != nil {
		return err
	}
	w := m.scenario.Workload
	fmt.Fprintf(m.messages, "  preloading %d objects of %s\n", w.Objects, w.ObjSize)
	server, err := target.Start(ctx, m.target(side, m.data[side], nil))
	if err != nil {
		return err
	}
	defer server.Kill()
	err = server.Preload(ctx, target.Bucket, w.Objects, int64(w.ObjSize), m.scenario.Run.Seed)
	if err == nil {
		err = host.AwaitIdle(ctx, server.PID(), settleMax)
	}
	if err == nil {
		err = server.Stop()
	}
	if err == nil {
		err = target.LoseDrives(m.data[side], m.scenario.Server.Lost)
	}
	return err
}

// firstLines makes a reason of an error, unless the session itself is over.
func firstLines(err error, ctx context.Context) (string, error) {
	if err == nil || ctx.Err() != nil {
		return "", ctx.Err()
	}
	return err.Error(), nil
}

// pairs runs a stage, but for what is recorded of it already.
func (m *comparison) pairs(ctx context.Context, st stage) (legs []record.Leg, err error) {
	for i, order := range pair.Order(st.pairs, st.seed) {
		done, err := m.pair(ctx, order, st.first+i+1)
		legs = append(legs, done...)
		if err != nil {
			return legs, err
		}
		if hopeless(legs) {
			left := st.pairs - i - 1
			m.legsPlanned -= 2 * left
			fmt.Fprintf(m.messages, "  giving up on this comparison, %d pairs not run\n", left)
			return legs, nil
		}
	}
	return legs, nil
}

// pair runs one pair, unless it is recorded already.
func (m *comparison) pair(
	ctx context.Context, order [2]pair.Side, number int,
) ([]record.Leg, error) {
	if before := m.recordedPair(number); before != nil {
		m.legsPlanned -= 2
		return before, nil
	}
	run := m.runPair
	if m.scenario.Run.Sliced() {
		run = m.runSliced
	}
	result, err := run(ctx, order, number)
	if err != nil {
		return nil, err
	}
	return m.keep(result, order)
}

// result is a pair as it was finally run.
type result = pair.Result[host.Calibration, record.Leg]

// runPair runs its legs one behind the other.
func (m *comparison) runPair(
	ctx context.Context, order [2]pair.Side, number int,
) (result, error) {
	return pair.Run(ctx, order, pair.Steps[host.Calibration, record.Leg]{
		Machine: m.machine(number),
		Leg: func(ctx context.Context, side pair.Side, position, attempt int,
			c host.Calibration) (record.Leg, error) {
			leg := m.newLeg(side, number, attempt)
			leg.Position, leg.Calibration = position, c
			return m.leg(ctx, side, leg)
		},
	})
}

// machine is how a pair of this number sees the machine.
func (m *comparison) machine(number int) pair.Machine[host.Calibration] {
	return pair.Machine[host.Calibration]{
		Calibrate: func(ctx context.Context) (host.Calibration, error) {
			return m.calibrate(ctx, m.scenario.Run.Duration)
		},
		Drifted: func(first, second host.Calibration) bool {
			_, tooMuch := host.Drift(first, second, m.writes())
			return tooMuch
		},
		// Minutes apart no machine is the same; a long leg is there for its course.
		MayRetry: func() bool { return !hasCourse(m.scenario.Run.Duration) && m.mayRetry() },
		Again:    func(first, second host.Calibration) { m.sayAgain(number, first, second) },
	}
}

// hopeless says whether further pairs would end as these did: something was skipped, or failuresMax
// pairs have a leg that is invalid.
func hopeless(legs []record.Leg) bool {
	failed := map[int]bool{}
	for _, leg := range legs {
		switch leg.Outcome {
		case record.Skipped, record.Unsuited:
			return true
		case record.Invalid:
			failed[leg.Pair] = true
		}
	}
	return len(failed) >= failuresMax
}

// othersMax is the share of the machine by which what others took may differ between two legs. The
// cores of a server are half of the machine, so that none loses more than DriftMax unseen.
const othersMax = host.DriftMax / 2

// keep records a pair, as a whole, once it is known whether it counts. Drift discards a leg whose
// figures it may have spoiled; it is no excuse for one that failed.
func (m *comparison) keep(
	r result, order [2]pair.Side,
) ([]record.Leg, error) {
	legs := r.Discarded
	for i := range legs {
		if legs[i].Outcome == record.OK {
			legs[i].Outcome, legs[i].Reason = record.Discarded, "the machine drifted within the pair"
		}
	}
	others := math.Abs(r.Legs[0].OtherCPU-r.Legs[1].OtherCPU) > othersMax
	for _, side := range order {
		leg := r.Legs[side]
		leg.Noisy = r.Noisy || others
		leg.Drift, _ = host.Drift(r.Calibrations[order[0]], r.Calibrations[side], m.writes())
		legs = append(legs, leg)
	}
	if r.Noisy {
		fmt.Fprintf(m.messages, "  pair kept as noisy at attempt %d: calibrator moved by %.1f%%\n",
			r.Attempts, 100*legs[len(legs)-1].Drift)
	}
	if others {
		fmt.Fprintf(m.messages, "  pair marked as noisy: others took %.0f%% of the machine in "+
			"one leg, %.0f%% in the other\n",
			100*r.Legs[order[0]].OtherCPU, 100*r.Legs[order[1]].OtherCPU)
	}
	lines := make([]record.Line, len(legs))
	for i := range legs {
		lines[i].Leg = &legs[i]
	}
	if err := m.add(lines...); err != nil {
		return nil, err
	}
	return legs, nil
}

// sayAgain says why a pair is run again.
func (m *comparison) sayAgain(number int, a, b host.Calibration) {
	moved, _ := host.Drift(a, b, m.writes())
	fmt.Fprintf(m.messages, "  pair %d again: the calibrator moved by %.1f%%\n", number, 100*moved)
}

// labelWidth fits what most sides are called.
const labelWidth = 12

// progress prints one line a leg, in columns that fit both sides.
func (m *comparison) progress(leg record.Leg, side pair.Side) {
	text := fmt.Sprintf("%s: %s", leg.Outcome, leg.Reason)
	if leg.Outcome == record.OK {
		text = fmt.Sprintf("%10s ops/s  %8s µs server CPU/op",
			report.Number(leg.Metrics["ops_per_s"]), report.Number(leg.Metrics["server_cpu_us_per_op"]))
	}
	width := labelWidth
	for _, c := range m.sides {
		width = max(width, utf8.RuneCountInString(c.label))
	}
	planned := strconv.Itoa(m.legsPlanned)
	fmt.Fprintf(m.messages, "  [%*d/%s] pair %d %-*s %s  (%s left)\n", len(planned), m.legsDone,
		planned, leg.Pair, width, m.sides[side].label, text, m.timeLeft().Round(time.Second))
}
