package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sweep repeats a scenario over values of one thing; at most one of its lists is given.
type Sweep struct {
	Concurrent []int   `yaml:"concurrent"`
	ObjSize    []Bytes `yaml:"obj_size"`
	Cores      []int   `yaml:"cores"` // of the server
}

// pointsMax bounds a sweep: it is a curve, not a table.
const pointsMax = 32

func (w *Sweep) validate() error {
	given := 0
	for _, n := range []int{len(w.Concurrent), len(w.ObjSize), len(w.Cores)} {
		if n > 0 {
			given++
		}
		if n > pointsMax {
			return fmt.Errorf("sweep: %d points; want at most %d", n, pointsMax)
		}
	}
	if given > 1 {
		return fmt.Errorf("sweep: %d lists; one thing at a time", given)
	}
	if twice(w.Concurrent) || twice(w.ObjSize) || twice(w.Cores) {
		return errors.New("sweep: a value stands there twice")
	}
	for _, n := range append(append([]int(nil), w.Concurrent...), w.Cores...) {
		if n < 1 || n > 1024 {
			return fmt.Errorf("sweep: %d; want 1 to 1024", n)
		}
	}
	return nil
}

func twice[T cmp.Ordered](values []T) bool {
	return len(slices.Compact(slices.Sorted(slices.Values(values)))) < len(values)
}

// Expand returns the scenarios that a sweep stands for, in the order of the file; s itself without
// one. Each has a name of its own and the same Family. Errors wrap ErrInvalid: a point that is not
// valid makes the file so.
func (s *Scenario) Expand() ([]*Scenario, error) {
	var out []*Scenario
	add := func(suffix string, change func(*Scenario)) {
		point := *s
		point.Sweep, point.Family = Sweep{}, s.Name
		point.Name += "-" + strings.ToLower(suffix)
		change(&point)
		out = append(out, &point)
	}
	for _, n := range s.Sweep.Concurrent {
		add(fmt.Sprintf("c%d", n), func(p *Scenario) { p.Workload.Concurrent = n })
	}
	for _, n := range s.Sweep.ObjSize {
		add(n.String(), func(p *Scenario) { p.Workload.ObjSize = n })
	}
	for _, n := range s.Sweep.Cores {
		add(fmt.Sprintf("%dcores", n), func(p *Scenario) {
			p.Server.Cores = n
			p.Requires.Cores = max(p.Requires.Cores, 2*n) // as many for the client
		})
	}
	if len(out) == 0 {
		return []*Scenario{s}, nil
	}
	for _, point := range out {
		if err := point.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return out, nil
}
