package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/target"
)

// errOther spoils a leg whose pair has no other leg to be compared with.
var errOther = errors.New("the other leg of the pair failed")

// runSliced runs a pair whose servers both live, and between which the load goes to and fro: what
// disturbs a machine for a second meets both.
func (m *comparison) runSliced(
	ctx context.Context, order [2]pair.Side, number int,
) (result, error) {
	return pair.RunTogether(ctx, order, pair.Together[host.Calibration, record.Leg]{
		Machine: m.machine(number),
		Legs: func(ctx context.Context, order [2]pair.Side, attempt int, c host.Calibration) (
			legs [2]record.Leg, err error,
		) {
			for i, side := range order {
				legs[side] = m.newLeg(side, number, attempt)
				legs[side].Position, legs[side].Calibration = i+1, c
			}
			return legs, m.both(ctx, order, &legs)
		},
	})
}

// both runs two legs at the same time and fills in their records; see leg.
func (m *comparison) both(
	ctx context.Context, order [2]pair.Side, legs *[2]record.Leg,
) error {
	began := time.Now()
	errs := m.measureBoth(ctx, order, legs)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, side := range order {
		m.conclude(&legs[side], errs[side])
		if errors.Is(errs[side], errOther) {
			legs[side].Outcome = record.Discarded
		}
		m.count(legs[side], side, time.Since(began)/2)
	}
	return nil
}

// measureBoth starts both servers, lets them prove themselves, puts the load on them in turns and
// stops them. It returns what spoilt each leg.
func (m *comparison) measureBoth(
	ctx context.Context, order [2]pair.Side, legs *[2]record.Leg,
) (errs [2]error) {
	spoil := func(side pair.Side, err error) [2]error {
		errs[side], errs[1-side] = err, errOther
		return errs
	}
	var servers [2]running
	for _, side := range order {
		r, err := m.ready(ctx, side, m.timed(side, m.data[side]), &legs[side])
		if err != nil {
			return spoil(side, err)
		}
		defer r.server.Kill()
		servers[side] = r
	}
	loads, side, err := m.applySlices(ctx, order, servers)
	if err != nil {
		return spoil(side, err)
	}
	for _, side := range order {
		if err := m.finish(ctx, side, &legs[side], servers[side], loads[side]); err != nil {
			return spoil(side, err)
		}
	}
	return errs
}

// applySlices puts the load on two servers in turns. An error is of the side that is returned.
func (m *comparison) applySlices(
	ctx context.Context, order [2]pair.Side, servers [2]running,
) (loads [2]applied, failed pair.Side, err error) {
	run := m.scenario.Run
	var results [2]load.Result
	var rests [2]rest
	for n := range run.Slices() {
		for _, side := range pair.Turn(order, n) {
			other := 1 - side
			if err := rests[other].begin(servers[other].server); err != nil {
				return loads, other, err
			}
			r, window, err := m.light(ctx, servers[side].server, 0, run.Slice)
			if err != nil {
				return loads, side, fmt.Errorf("slice %d: %w", n+1, err)
			}
			if err := rests[other].end(servers[other].server); err != nil {
				return loads, other, err
			}
			results[side].Add(&r)
			loads[side].window.Add(window)
		}
	}
	for _, side := range order {
		if err := rests[side].judge(); err != nil {
			return loads, side, err
		}
		loads[side].figures = lightFigures(&results[side])
	}
	return loads, 0, nil
}

// A server that works while it is asked for nothing slows the other one down in the other's slices:
// what it wastes would be on both sides, and so on none. Both bounds are to be exceeded: a share of
// a core, below the margin of a gate, and some ticks of the account.
const (
	restShareMax = 0.02
	restMax      = 60 * time.Millisecond
)

// rest is what a server used while the other one was asked, with the programs of its process group
// that it has started: their work slows the other one down as its own does.
type rest struct {
	used, time time.Duration
	from       time.Duration // of CPU, at the begin of this slice
	began      time.Time
}

func (r *rest) begin(s *target.Server) (err error) {
	r.from, r.began, err = restingCPU(s)
	return err
}

func (r *rest) end(s *target.Server) error {
	to, ended, err := restingCPU(s)
	r.used += max(0, to-r.from)
	r.time += ended.Sub(r.began)
	return err
}

func restingCPU(s *target.Server) (time.Duration, time.Time, error) {
	cpu, err := host.GroupCPU(s.PID())
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("the server that rested: %w", err)
	}
	return cpu, time.Now(), nil
}

func (r *rest) judge() error {
	if share := float64(r.used) / float64(r.time); r.used > restMax && share > restShareMax {
		return fmt.Errorf("the server used %.0f%% of a core while it was asked for nothing, and slowed "+
			"the other one down: --set run.design=paired measures what it does by itself", 100*share)
	}
	return nil
}
