package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/report"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
)

// failuresMax ends a comparison that does not work: further pairs would fail in the same way.
const failuresMax = 2

// comparison is one candidate against its base, within a session.
type comparison struct {
	*session
	scenario *scenario.Scenario
	sides    [2]scenario.Configuration // by pair.Side
	labels   [2]string
	hash     string
	data     string // folder with preloaded drives, empty if each leg starts fresh
}

// compare runs all pairs of a comparison and returns their records. What spoils legs is in the
// records; an error ends the session.
func (s *session) compare(
	ctx context.Context, sc *scenario.Scenario, c scenario.Comparison,
) ([]record.Leg, error) {
	text, err := json.Marshal(sc)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	m := &comparison{
		session: s, scenario: sc, hash: hex.EncodeToString(sum[:6]),
		sides: [2]scenario.Configuration{c.Base, c.Candidate},
	}
	m.labels[0], m.labels[1] = c.Labels()
	if reason, err := m.prepare(ctx); err != nil {
		return nil, err
	} else if reason != "" {
		leg := m.newLeg(pair.Base, 0, 0)
		leg.Outcome, leg.Reason = record.Skipped, reason
		s.legsPlanned -= 2 * sc.Run.Pairs
		fmt.Fprintf(s.messages, "  skipped: %s\n", reason)
		return []record.Leg{leg}, s.index.Append(record.Line{Leg: &leg})
	}
	legs, err := m.pairs(ctx)
	if m.data != "" {
		err = errors.Join(err, s.workspace.Remove(filepath.Base(m.data)))
	}
	return legs, err
}

// prepare checks what the scenario requires and preloads its data. A reason means: skip it.
func (m *comparison) prepare(ctx context.Context) (reason string, err error) {
	free, err := host.DiskFreeBytes(m.workspace.Path())
	if err != nil {
		return "", err
	}
	if need := int64(m.scenario.Requires.DiskFree); free < need {
		return fmt.Sprintf("needs %s of free disk, there are %d MiB",
			m.scenario.Requires.DiskFree, free>>20), nil
	}
	if m.scenario.Workload.Data != "preload" {
		return "", nil
	}
	if m.data, err = m.workspace.Fresh("preloaded"); err != nil {
		return "", err
	}
	w := m.scenario.Workload
	fmt.Fprintf(m.messages, "  preloading %d objects of %s\n", w.Objects, w.ObjSize)
	server, err := target.Start(ctx, m.target(pair.Base, m.data, nil))
	if err != nil {
		return firstLines(err, ctx)
	}
	defer server.Kill()
	err = server.Preload(ctx, target.Bucket, w.Objects, int64(w.ObjSize), m.scenario.Run.Seed)
	if err == nil {
		err = server.Stop()
	}
	if err == nil {
		err = target.LoseDrives(m.data, m.scenario.Server.Lost)
	}
	return firstLines(err, ctx)
}

// firstLines makes a reason of an error, unless the session itself is over.
func firstLines(err error, ctx context.Context) (string, error) {
	if err == nil || ctx.Err() != nil {
		return "", ctx.Err()
	}
	return err.Error(), nil
}

func (m *comparison) target(side pair.Side, dir string, cores []int) target.Config {
	return target.Config{
		Binary: m.options.server, Axes: m.sides[side], Dir: dir, Cores: cores,
		Drives: m.scenario.Server.Drives, Parity: m.scenario.Server.Parity,
	}
}

func (m *comparison) pairs(ctx context.Context) (legs []record.Leg, err error) {
	writes := m.scenario.Workload.Op != "get"
	failures := 0
	for i, order := range pair.Order(m.scenario.Run.Pairs, m.scenario.Run.Seed) {
		steps := pair.Steps[host.Calibration, record.Leg]{
			Calibrate: m.calibrate,
			Drifted: func(a, b host.Calibration) bool {
				return host.Drift(a, b, writes) > host.DriftMax
			},
			Leg: func(ctx context.Context, side pair.Side, position, attempt int,
				c host.Calibration) (record.Leg, error) {
				leg := m.newLeg(side, i+1, attempt)
				leg.Position, leg.Calibration = position, c
				return m.leg(ctx, side, leg)
			},
			MayRetry: m.mayRetry,
		}
		result, err := pair.Run(ctx, order, steps)
		if err != nil {
			return legs, err
		}
		done, err := m.keep(result, order, writes)
		legs = append(legs, done...)
		if err != nil {
			return legs, err
		}
		if failed(result.Legs) {
			failures++
		}
		if failures >= failuresMax || result.Legs[0].Outcome == record.Skipped ||
			result.Legs[1].Outcome == record.Skipped {
			left := m.scenario.Run.Pairs - i - 1
			m.legsPlanned -= 2 * left
			fmt.Fprintf(m.messages, "  giving up on this comparison, %d pairs not run\n", left)
			return legs, nil
		}
	}
	return legs, nil
}

func failed(legs [2]record.Leg) bool {
	return legs[0].Outcome == record.Invalid || legs[1].Outcome == record.Invalid
}

// keep records a pair once it is known whether it counts.
func (m *comparison) keep(
	r pair.Result[host.Calibration, record.Leg], order [2]pair.Side, writes bool,
) ([]record.Leg, error) {
	legs := r.Discarded
	for i := range legs {
		legs[i].Outcome, legs[i].Reason = record.Discarded, "the machine drifted within the pair"
	}
	others := math.Abs(r.Legs[0].OtherCPU-r.Legs[1].OtherCPU) > host.DriftMax
	for _, side := range order {
		leg := r.Legs[side]
		leg.Noisy = r.Noisy || others
		leg.Drift = host.Drift(r.Calibrations[order[0]], r.Calibrations[side], writes)
		legs = append(legs, leg)
	}
	if r.Noisy {
		fmt.Fprintf(m.messages, "  pair kept as noisy at attempt %d: calibrator moved by %.1f%%\n",
			r.Attempts, 100*host.Drift(r.Calibrations[order[0]], r.Calibrations[order[1]], writes))
	}
	if others {
		fmt.Fprintf(m.messages, "  pair marked as noisy: other programs and the kernel took "+
			"%.0f%% of the machine in one leg, %.0f%% in the other\n",
			100*r.Legs[order[0]].OtherCPU, 100*r.Legs[order[1]].OtherCPU)
	}
	for i := range legs {
		if err := m.index.Append(record.Line{Leg: &legs[i]}); err != nil {
			return legs, err
		}
	}
	return legs, nil
}

// newLeg fills in what is known before a leg runs.
func (m *comparison) newLeg(side pair.Side, number, attempt int) record.Leg {
	config := map[string]string{}
	for _, choice := range m.sides[side] {
		config[choice.Axis] = choice.Value
	}
	return record.Leg{
		Session: m.id, Scenario: m.scenario.Name, ScenarioHash: m.hash,
		Base: m.labels[0], Candidate: m.labels[1],
		Primary: m.scenario.Metrics.Primary, MinEffect: float64(m.scenario.Gate.MinEffect) / 100,
		Writes: m.scenario.Workload.Op != "get",
		Pair:   number, Attempt: attempt, Side: side.String(),
		Seed: m.scenario.Run.Seed, Config: config, Start: time.Now(),
		ServerCores: m.session.server, ClientCores: m.client,
	}
}

// progress prints one line a leg.
func (m *comparison) progress(leg record.Leg, side pair.Side) {
	text := fmt.Sprintf("%s: %s", leg.Outcome, leg.Reason)
	if leg.Outcome == record.OK {
		text = fmt.Sprintf("%10s ops/s  %8s µs server CPU/op",
			report.Number(leg.Metrics["ops_per_s"]), report.Number(leg.Metrics["server_cpu_us_per_op"]))
	}
	fmt.Fprintf(m.messages, "  [%d/%d] pair %d %-12s %s  (%s left)\n", m.legsDone, m.legsPlanned,
		leg.Pair, m.labels[side], text, m.timeLeft().Round(time.Second))
}
