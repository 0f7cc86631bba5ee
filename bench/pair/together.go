package pair

import "context"

// Together is what a pair is made of whose legs run at the same time.
type Together[C, L any] struct {
	// Calibrate measures the machine, before and behind both legs.
	Calibrate func(context.Context) (C, error)
	// Drifted judges these two calibrations.
	Drifted func(before, behind C) bool
	// Legs runs both, and returns them by Side; see Steps.Leg.
	Legs func(ctx context.Context, order [2]Side, attempt int, before C) ([2]L, error)
	// MayRetry is asked before a pair is run again; false where time is short.
	MayRetry func() bool
	// Again is told that a pair is run again, because of these two calibrations.
	Again func(before, behind C)
}

// RunTogether runs one pair whose legs run at the same time. The calibration of its second leg is
// the one behind both.
func RunTogether[C, L any](
	ctx context.Context, order [2]Side, s Together[C, L],
) (r Result[C, L], err error) {
	for {
		r.Attempts++
		before, err := s.Calibrate(ctx)
		if err != nil {
			return r, err
		}
		if r.Legs, err = s.Legs(ctx, order, r.Attempts, before); err != nil {
			return r, err
		}
		behind, err := s.Calibrate(ctx)
		if err != nil {
			return r, err
		}
		r.Calibrations[order[0]], r.Calibrations[order[1]] = before, behind
		r.Noisy = s.Drifted(before, behind)
		if !r.Noisy || r.Attempts > RetriesMax || !s.MayRetry() {
			return r, nil
		}
		r.Discarded = append(r.Discarded, r.Legs[order[0]], r.Legs[order[1]])
		s.Again(before, behind)
	}
}

// Turn is the order of the n-th turn of two legs that take turns, the first of which is 0: what
// changes steadily meets both alike.
func Turn(order [2]Side, n int) [2]Side {
	if n%2 == 0 {
		return order
	}
	return [2]Side{order[1], order[0]}
}
