package gate

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// A finding has figures where they were computed and nowhere else: in JSON what was not is absent,
// while a difference of nothing at all is there.
func TestFindingHasFiguresOrNone(t *testing.T) {
	same, slow := make([]float64, 6), []float64{-0.2, -0.21, -0.19, -0.2, -0.22, -0.18}
	for name, c := range map[string]struct {
		stage    Stage
		computed bool
		pairs    int
	}{
		"slower":         {Stage{Differences: slow, Planned: 6}, true, 6},
		"the same":       {Stage{Differences: same, Planned: 6}, true, 6},
		"a leg failed":   {Stage{Differences: slow[:5], Planned: 6, Problem: "x"}, false, 0},
		"not quiet":      {Stage{Differences: slow[:3], Planned: 6, Noisy: 3}, false, 3},
		"two pairs":      {Stage{Differences: slow[:2], Planned: 2}, false, 2},
		"the disk leans": {Stage{Differences: slow, Planned: 6, DiskLeans: true}, false, 6},
	} {
		rule := NewRule(0.03, 6, 12)
		first, _ := rule.First(c.stage)
		for _, f := range []Finding{first, rule.Second(c.stage)} {
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			var keys map[string]any
			var again Finding
			if err := json.Unmarshal(text, &keys); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, f) {
				t.Errorf("%s: %s is read as %+v, error %v", name, text, again, err)
			}
			for _, key := range []string{"change", "lower", "p"} {
				if _, has := keys[key]; has != c.computed {
					t.Errorf("%s: %s: %q is there: %v", name, text, key, has)
				}
			}
			if (f.Figures != nil) != c.computed || f.Pairs != c.pairs {
				t.Errorf("%s: %s, want %d pairs and figures: %v", name, text, c.pairs, c.computed)
			}
		}
	}
}

// What all legs of one side have more of is disjoint, however they are spread among themselves.
func TestDisjoint(t *testing.T) {
	of := func(values ...float64) (out []Counts) {
		for _, v := range values {
			out = append(out, Counts{"epoll_waits": v})
		}
		return out
	}
	for name, c := range map[string]struct {
		a, b []Counts
		want bool
	}{
		"none and some":  {of(0, 0, 0), of(10, 20, 15), true},
		"spread":         {of(100, 120, 140), of(145, 150, 190), true},
		"one in between": {of(100, 120, 140), of(139, 150, 190), false},
		"the same":       {of(1, 1), of(1, 1), false},
		"by a hundredth": {of(100), of(100.9), false},
		"hardly any":     {of(0), of(0.019), false},
	} {
		if Disjoint(c.a, c.b, "epoll_waits") != c.want || Disjoint(c.b, c.a, "epoll_waits") != c.want {
			t.Errorf("%s: want %v", name, c.want)
		}
	}
}

// A ledger has the median of each count, of what either side keeps, and says what both keep.
func TestLedgerOf(t *testing.T) {
	l := LedgerOf("PUT", []Counts{{"synced_writes": 5, "copied_bytes": 1}, {"synced_writes": 4,
		"copied_bytes": 1}, {"synced_writes": 9, "copied_bytes": 1}}, []Counts{{"synced_writes": 3,
		"heap_objects": 2}})
	want := Ledger{"PUT", Counts{"synced_writes": 5, "copied_bytes": 1},
		Counts{"synced_writes": 3, "heap_objects": 2}}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got %+v, want %+v", l, want)
	}
	if got := l.Compared(); !slices.Equal(got, []string{"synced_writes"}) {
		t.Errorf("compared: %q", got)
	}
	if none := LedgerOf("PUT", nil, nil); len(none.Base)+len(none.Candidate) > 0 {
		t.Errorf("of nothing: %+v", none)
	}
}
