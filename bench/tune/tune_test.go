package tune

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"flashstore/machine"
)

// around gives n differences whose centre is change, close together.
func around(change float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Log1p(change) + 0.002*float64(i%3-1)
	}
	return out
}

// judged is a trial of a level, and unjudged one that says nothing.
func judged(axis, level, scenario string, differences []float64) Trial {
	return Trial{Axis: axis, Level: level, Scenario: scenario, Metric: "ops_per_s",
		Differences: differences}
}

func unjudged(axis, level, scenario, problem string) Trial {
	return Trial{Axis: axis, Level: level, Scenario: scenario, Problem: problem}
}

func TestChoose(t *testing.T) {
	wide := []float64{0.5, -0.4, 0.6, -0.3, 0.4, -0.2}
	for name, c := range map[string]struct {
		trials []Trial
		want   []Choice
	}{
		"helps":  {[]Trial{judged("netloop", "epoll", "a", around(0.1, 6))}, []Choice{{"netloop", "epoll"}}},
		"a tie":  {[]Trial{judged("netloop", "epoll", "a", around(0.01, 6))}, nil},
		"unsure": {[]Trial{judged("netloop", "epoll", "a", wide)}, nil},
		"hurts elsewhere": {[]Trial{judged("netloop", "epoll", "a", around(0.3, 6)),
			judged("netloop", "epoll", "b", around(-0.05, 6))}, nil},
		"a loss too small to matter": {[]Trial{judged("netloop", "epoll", "a", around(0.3, 6)),
			judged("netloop", "epoll", "b", around(-0.02, 6))}, []Choice{{"netloop", "epoll"}}},
		"not judged elsewhere": {[]Trial{judged("netloop", "epoll", "a", around(0.3, 6)),
			unjudged("netloop", "epoll", "b", "invalid")}, nil},
		"the better of two": {[]Trial{judged("allocator", "heap", "a", around(0.1, 6)),
			judged("allocator", "syncpool", "a", around(0.2, 6))}, []Choice{{"allocator", "syncpool"}}},
		"durability is not tuned": {[]Trial{judged("durability", "relaxed", "a", around(3, 6))}, nil},
		"three pairs":             {[]Trial{judged("netloop", "epoll", "a", around(1, 3))}, nil},
		"four pairs": {[]Trial{judged("netloop", "epoll", "a", around(1, 4))},
			[]Choice{{"netloop", "epoll"}}},
	} {
		if got := Choose(c.trials); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestConfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		trials []Trial
		want   bool
	}{
		"yes":          {[]Trial{judged("", "", "a", around(0.1, 6)), judged("", "", "b", around(0, 6))}, true},
		"gone":         {[]Trial{judged("", "", "a", around(0, 6))}, false},
		"hurts":        {[]Trial{judged("", "", "a", around(0.1, 6)), judged("", "", "b", around(-0.1, 6))}, false},
		"nothing":      {nil, false},
		"one is noisy": {[]Trial{judged("", "", "a", around(0.1, 6)), unjudged("", "", "b", "noisy")}, false},
	} {
		if got := confirmed(c.trials); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What is not known is not taken for a finding, and what is found says what could not be judged.
func TestOutcome(t *testing.T) {
	good, same := around(0.1, 6), around(0, 6)
	chosen := []Choice{{"netloop", "epoll"}}
	for name, c := range map[string]struct {
		file File
		want Outcome
		say  string
	}{
		"nothing was tried": {File{}, Unknown, "nothing could be judged"},
		"nothing was quiet": {File{Trials: []Trial{unjudged("netloop", "epoll", "a", "noise"),
			unjudged("netloop", "netconn", "a", "noise")}}, Unknown, "nothing could be judged"},
		"no disk for one of two": {File{Trials: []Trial{judged("netloop", "epoll", "a", good),
			unjudged("netloop", "epoll", "b", "no disk")}}, Unknown, "nothing could be judged"},
		"one of two levels": {File{Trials: []Trial{judged("netloop", "epoll", "a", same),
			unjudged("ioengine", "uring", "a", "forbidden")}}, Defaults, "1 of 2 trials could not be judged"},
		"no better": {File{Trials: []Trial{judged("netloop", "epoll", "a", same)}}, Defaults,
			"no level is shown to be better"},
		"confirmed": {File{Chosen: chosen, Trials: []Trial{judged("netloop", "epoll", "a", good)},
			Combined: []Trial{judged("", "combined", "a", good)}}, Adopted, "confirmed, and adopted"},
		"not confirmed": {File{Chosen: chosen, Trials: []Trial{judged("netloop", "epoll", "a", good)},
			Combined: []Trial{judged("", "combined", "a", same)}}, Defaults, "not confirmed"},
		"noise at the end": {File{Chosen: chosen, Trials: []Trial{judged("netloop", "epoll", "a", good)},
			Combined: []Trial{unjudged("", "combined", "a", "noise")}}, Unknown, "not known"},
	} {
		var b bytes.Buffer
		if err := c.file.Write(&b); err != nil || c.file.Outcome() != c.want ||
			!strings.Contains(b.String(), c.say) {
			t.Errorf("%s: %d, want %d with %q:\n%s", name, c.file.Outcome(), c.want, c.say, b.String())
		}
		for line := range strings.Lines(b.String()) {
			if !strings.HasPrefix(line, "#") && (c.want != Adopted || line != "netloop: epoll # default: \n") {
				t.Errorf("%s: a line that is neither setting nor comment: %q", name, line)
			}
		}
	}
}

// A quiet machine helps against noise only.
func TestNoisy(t *testing.T) {
	failed := unjudged("ioengine", "uring", "a", "forbidden")
	failed.Failed = true
	for name, c := range map[string]struct {
		trials []Trial
		want   bool
	}{
		"failed": {[]Trial{failed}, false}, "judged": {[]Trial{judged("", "", "a", around(0, 6))}, false},
		"noise": {[]Trial{failed, unjudged("netloop", "epoll", "a", "noise")}, true},
	} {
		if f := (File{Trials: c.trials}); f.Noisy() != c.want {
			t.Errorf("%s: %v", name, f.Noisy())
		}
	}
}

func TestWrite(t *testing.T) {
	few := judged("allocator", "heap", "a", around(0.2, 3))
	few.Problem = "3 pairs"
	f := File{Machine: `{"cores":2}`, Chosen: []Choice{{"netloop", "epoll"}},
		Defaults: map[string]string{"netloop": "nethttp"},
		Trials: []Trial{judged("netloop", "epoll", "a", around(0.1, 6)),
			unjudged("ioengine", "uring", "a", "no\nring"), few},
		Combined: []Trial{judged("", "combined", "a", around(0.1, 6))}}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") && line != "netloop: epoll # default: nethttp\n" {
			t.Errorf("a line that is neither setting nor comment: %q", line)
		}
	}
	for _, want := range []string{machine.TunedMark + `{"cores":2}`, "ops_per_s +10.0%",
		"not judged: 3 pairs (ops_per_s +20.0%)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
