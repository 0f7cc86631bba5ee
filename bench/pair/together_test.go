package pair

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// together is a pair whose legs are named after their attempt.
func (s *script) together() Together[int, string] {
	return Together[int, string]{
		Machine: s.machine(),
		Legs: func(_ context.Context, order [2]Side, attempt, _ int) (legs [2]string, err error) {
			for _, side := range order {
				legs[side] = fmt.Sprintf("%s%d", side, attempt)
			}
			s.ran = append(s.ran, fmt.Sprint(order))
			return legs, nil
		},
	}
}

func TestRunTogether(t *testing.T) {
	for _, c := range []struct {
		name         string
		calibrations []int
		mayRetry     bool
		attempts     int
		noisy        bool
		discarded    string
	}{
		{"steady", []int{1, 1}, true, 1, false, "[]"},
		{"drift once", []int{1, 2, 2, 2}, true, 2, false, "[candidate1 base1]"},
		{"drift always", []int{1, 2, 3, 4, 5, 6}, true, 3, true,
			"[candidate1 base1 candidate2 base2]"},
		{"drift, no time", []int{1, 2}, false, 1, true, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{calibrations: c.calibrations, mayRetry: c.mayRetry}
			r, err := RunTogether(t.Context(), [2]Side{Candidate, Base}, s.together())
			if err != nil {
				t.Fatal(err)
			}
			if r.Attempts != c.attempts || r.Noisy != c.noisy || fmt.Sprint(r.Discarded) != c.discarded ||
				len(s.ran) != c.attempts || len(s.again) != c.attempts-1 {
				t.Errorf("result %+v, ran %v, again because of %s", r, s.ran, s.again)
			}
			last := c.calibrations[2*c.attempts-2 : 2*c.attempts]
			if r.Calibrations[Candidate] != last[0] || r.Calibrations[Base] != last[1] {
				t.Errorf("calibrations %v, want %v, the candidate's first", r.Calibrations, last)
			}
			if want := fmt.Sprintf("base%d", c.attempts); r.Legs[Base] != want {
				t.Errorf("legs %v", r.Legs)
			}
		})
	}
}

func TestRunTogetherStopsAtErrors(t *testing.T) {
	for calibrations := range 2 {
		s := &script{calibrations: make([]int, calibrations)}
		if _, err := RunTogether(t.Context(), [2]Side{Base, Candidate}, s.together()); err == nil {
			t.Errorf("no error from calibration %d", calibrations+1)
		}
	}
	s := &script{calibrations: []int{1, 1}}
	steps, boom := s.together(), errors.New("boom")
	steps.Legs = func(context.Context, [2]Side, int, int) (legs [2]string, err error) {
		return legs, boom
	}
	if _, err := RunTogether(t.Context(), [2]Side{Base, Candidate}, steps); !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
}

// What grows steadily meets both sides alike: their places in the order sum up to the same.
func TestTurn(t *testing.T) {
	places := [2]int{}
	for n := range 8 {
		for place, side := range Turn([2]Side{Candidate, Base}, n) {
			places[side] += 2*n + place
		}
	}
	if places[0] != places[1] {
		t.Errorf("places %v", places)
	}
	if Turn([2]Side{Candidate, Base}, 0) != [2]Side{Candidate, Base} {
		t.Error("the first turn is not in order")
	}
}
