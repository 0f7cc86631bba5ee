package pair

import "context"

// RetriesMax is how often a pair is run again because of drift.
const RetriesMax = 2

// Machine is how a pair sees what is under it. C is a calibration.
type Machine[C any] struct {
	// Calibrate measures the machine.
	Calibrate func(context.Context) (C, error)
	// Drifted judges two calibrations of a pair.
	Drifted func(first, second C) bool
	// MayRetry is asked before a pair is run again; false where time is short.
	MayRetry func() bool
	// Again is told that a pair is run again, because of these two calibrations.
	Again func(first, second C)
}

// moved says whether two calibrations of an attempt make it noisy, and whether the pair is run
// again.
func (m *Machine[C]) moved(first, second C, attempts int) (noisy, again bool) {
	noisy = m.Drifted(first, second)
	again = noisy && attempts <= RetriesMax && m.MayRetry()
	if again {
		m.Again(first, second)
	}
	return noisy, again
}

// Steps is what a pair is made of. L is the result of a leg.
type Steps[C, L any] struct {
	Machine[C] // calibrated right before each leg
	// Leg runs one leg. An error ends the whole session; what merely spoils the leg is in L.
	Leg func(ctx context.Context, side Side, position, attempt int, c C) (L, error)
}

// Result is a pair as it was finally run, indexed by Side.
type Result[C, L any] struct {
	Calibrations [2]C
	Legs         [2]L
	Attempts     int
	Noisy        bool // the machine drifted in the attempt that was kept
	Discarded    []L  // first legs of attempts given up
}

// Run runs one pair in the given order.
func Run[C, L any](ctx context.Context, order [2]Side, s Steps[C, L]) (Result[C, L], error) {
	var r Result[C, L]
	for {
		r.Attempts++
		again, err := attempt(ctx, order, s, &r)
		if err != nil || !again {
			return r, err
		}
	}
}

// attempt runs both legs. If the machine has drifted before the second, only the first is lost:
// again is true, unless no retry is left.
func attempt[C, L any](
	ctx context.Context, order [2]Side, s Steps[C, L], r *Result[C, L],
) (again bool, err error) {
	for position, side := range order {
		c, err := s.Calibrate(ctx)
		if err != nil {
			return false, err
		}
		r.Calibrations[side] = c
		if position == 1 {
			r.Noisy, again = s.moved(r.Calibrations[order[0]], c, r.Attempts)
			if again {
				r.Discarded = append(r.Discarded, r.Legs[order[0]])
				return true, nil
			}
		}
		r.Legs[side], err = s.Leg(ctx, side, position+1, r.Attempts, c)
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
