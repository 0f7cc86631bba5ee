package pair

import "context"

// Together is what a pair is made of whose legs run at the same time.
type Together[C, L any] struct {
	Machine[C] // calibrated before and behind both legs
	// Legs runs both, and returns them by Side; see Steps.Leg.
	Legs func(ctx context.Context, order [2]Side, attempt int, before C) ([2]L, error)
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
		again := false
		if r.Noisy, again = s.moved(before, behind, r.Attempts); !again {
			return r, nil
		}
		r.Discarded = append(r.Discarded, r.Legs[order[0]], r.Legs[order[1]])
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
