package pair

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	different := map[string]bool{}
	for seed := range uint64(50) {
		for _, pairs := range []int{1, 4, 7} {
			order := Order(pairs, seed)
			candidateFirst := 0
			for _, o := range order {
				if o[0] == o[1] {
					t.Fatalf("one side twice: %v", order)
				}
				candidateFirst += int(o[0])
			}
			if candidateFirst < pairs/2 || candidateFirst > pairs-pairs/2 {
				t.Errorf("seed %d, %d pairs: candidate first %d times", seed, pairs, candidateFirst)
			}
			if pairs == 4 {
				different[fmt.Sprint(order)] = true
			}
			if !reflect.DeepEqual(order, Order(pairs, seed)) {
				t.Error("the same seed, another order")
			}
		}
	}
	if len(different) != 6 {
		t.Errorf("%d orders of 4 balanced pairs in 50 seeds, want all 6", len(different))
	}
}

// script plays calibrations in turn and notes what ran.
type script struct {
	calibrations []int
	ran          []string
	mayRetry     bool
	again        []string // what pairs were run again for
}

func (s *script) machine() Machine[int] {
	return Machine[int]{
		Calibrate: func(context.Context) (int, error) {
			if len(s.calibrations) == 0 {
				return 0, errors.New("no more calibrations")
			}
			c := s.calibrations[0]
			s.calibrations = s.calibrations[1:]
			return c, nil
		},
		Drifted:  func(a, b int) bool { return a != b },
		MayRetry: func() bool { return s.mayRetry },
		Again:    func(a, b int) { s.again = append(s.again, fmt.Sprint(a, "→", b)) },
	}
}

func (s *script) steps() Steps[int, string] {
	return Steps[int, string]{
		Machine: s.machine(),
		Leg: func(_ context.Context, side Side, position, attempt int, c int) (string, error) {
			name := fmt.Sprintf("%s/%d/%d", side, position, attempt)
			s.ran = append(s.ran, name)
			return name, nil
		},
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name         string
		calibrations []int
		mayRetry     bool
		ran          string
		attempts     int
		noisy        bool
		discarded    int
		again        string
	}{
		{"steady", []int{1, 1}, true, "candidate/1/1 base/2/1", 1, false, 0, ""},
		{"drift once", []int{1, 2, 2, 2}, true,
			"candidate/1/1 candidate/1/2 base/2/2", 2, false, 1, "1→2"},
		{"drift always", []int{1, 2, 3, 4, 5, 6}, true,
			"candidate/1/1 candidate/1/2 candidate/1/3 base/2/3", 3, true, 2, "1→2 3→4"},
		{"drift, no time", []int{1, 2}, false, "candidate/1/1 base/2/1", 1, true, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{calibrations: c.calibrations, mayRetry: c.mayRetry}
			r, err := Run(t.Context(), [2]Side{Candidate, Base}, s.steps())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.ran, " "); got != c.ran {
				t.Errorf("ran %s, want %s", got, c.ran)
			}
			if r.Attempts != c.attempts || r.Noisy != c.noisy || len(r.Discarded) != c.discarded ||
				strings.Join(s.again, " ") != c.again {
				t.Errorf("result %+v, again because of %s", r, s.again)
			}
			if !strings.HasPrefix(r.Legs[Base], "base/") || !strings.HasPrefix(r.Legs[Candidate], "cand") {
				t.Errorf("legs %v", r.Legs)
			}
		})
	}
}

func TestRunStopsAtErrors(t *testing.T) {
	s := &script{}
	if _, err := Run(t.Context(), [2]Side{Base, Candidate}, s.steps()); err == nil {
		t.Error("no error from the calibrator")
	}
	s = &script{calibrations: []int{1, 1}}
	steps := s.steps()
	boom := errors.New("boom")
	steps.Leg = func(context.Context, Side, int, int, int) (string, error) { return "", boom }
	if _, err := Run(t.Context(), [2]Side{Base, Candidate}, steps); !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
}
