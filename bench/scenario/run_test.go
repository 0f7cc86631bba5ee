package scenario

import (
	"path/filepath"
	"testing"
	"time"
)

// shipped are all scenarios of the folder.
func shipped(t *testing.T) (all []*Scenario) {
	t.Helper()
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < scenariosMin {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// A look is possible at every scenario, whatever its design, and also at one leg behind the other.
func TestLookAtEveryScenario(t *testing.T) {
	for _, s := range shipped(t) {
		was := s.Run
		s.Run.Quicken()
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if r := s.Run; r.Pairs != 2 || r.Duration > was.Duration || r.Duration > 5*time.Second ||
			r.TrimHead > was.TrimHead || r.TrimTail > was.TrimTail || r.Slice != was.Slice {
			t.Errorf("%s: %+v of %+v", s.Name, r, was)
		}
		if err := s.Set("run.design=paired"); err != nil {
			t.Errorf("%s, paired: %v", s.Name, err)
		}
	}
}

// Even the longest slices and trims that are valid are so in a look.
func TestLookAtLongSlices(t *testing.T) {
	for _, r := range []Run{
		{Design: "sliced", Duration: time.Minute, Slice: 30 * time.Second,
			TrimHead: 5 * time.Second, TrimTail: 10 * time.Second},
		{Design: "sliced", Duration: 2 * sliceMin, Slice: sliceMin, TrimHead: sliceMin / 2},
		{Design: "paired", Duration: time.Hour, TrimTail: 30 * time.Minute},
	} {
		r.Pairs = 6
		if err := r.validate(); err != nil {
			t.Fatal(err)
		}
		r.Quicken()
		if err := r.validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// A design brings a slice and trims of its own; those that are named with it win, in any order.
func TestRedesign(t *testing.T) {
	s, err := Load("../../scenarios/get-4k-sliced.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  []string
		want Run
	}{
		{nil, Run{Duration: 6 * time.Second, Design: "sliced", Slice: 400 * time.Millisecond,
			TrimHead: 50 * time.Millisecond}},
		{[]string{"run.design=paired", "run.duration=7s"},
			Run{Duration: 7 * time.Second, Design: "paired", TrimHead: time.Second, TrimTail: time.Second}},
		{[]string{"run.trim_head=100ms", "run.design=paired", "run.duration=7s"}, Run{Design: "paired",
			Duration: 7 * time.Second, TrimHead: 100 * time.Millisecond, TrimTail: time.Second}},
		{[]string{"run.design=sliced", "run.duration=7s"}, Run{Duration: 7 * time.Second,
			Design: "sliced", Slice: sliceDefault, TrimHead: sliceTrimDefault}},
	} {
		if err := s.Set(c.set...); err != nil {
			t.Errorf("%q: %v", c.set, err)
		}
		got := s.Run
		got.Pairs, got.ConfirmPairs, got.Seed = 0, 0, 0
		if got != c.want {
			t.Errorf("%q: %+v, want %+v", c.set, got, c.want)
		}
	}
}
