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

func TestChoose(t *testing.T) {
	wide := []float64{0.5, -0.4, 0.6, -0.3, 0.4, -0.2}
	for name, c := range map[string]struct {
		trials []Trial
		want   []Choice
	}{
		"helps":  {[]Trial{{"netloop", "epoll", "a", around(0.1, 6), "", ""}}, []Choice{{"netloop", "epoll"}}},
		"a tie":  {[]Trial{{"netloop", "epoll", "a", around(0.01, 6), "", ""}}, nil},
		"unsure": {[]Trial{{"netloop", "epoll", "a", wide, "", ""}}, nil},
		"hurts elsewhere": {[]Trial{{"netloop", "epoll", "a", around(0.3, 6), "", ""},
			{"netloop", "epoll", "b", around(-0.05, 6), "", ""}}, nil},
		"a loss too small to matter": {[]Trial{{"netloop", "epoll", "a", around(0.3, 6), "", ""},
			{"netloop", "epoll", "b", around(-0.02, 6), "", ""}}, []Choice{{"netloop", "epoll"}}},
		"not judged elsewhere": {[]Trial{{"netloop", "epoll", "a", around(0.3, 6), "", ""},
			{"netloop", "epoll", "b", nil, "invalid", ""}}, nil},
		"the better of two": {[]Trial{{"allocator", "heap", "a", around(0.1, 6), "", ""},
			{"allocator", "syncpool", "a", around(0.2, 6), "", ""}}, []Choice{{"allocator", "syncpool"}}},
		"durability is not tuned": {[]Trial{{"durability", "relaxed", "a", around(3, 6), "", ""}}, nil},
		"one pair":                {[]Trial{{"netloop", "epoll", "a", around(1, 1), "", ""}}, nil},
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
		"yes":          {[]Trial{{"", "", "a", around(0.1, 6), "", ""}, {"", "", "b", around(0, 6), "", ""}}, true},
		"gone":         {[]Trial{{"", "", "a", around(0, 6), "", ""}}, false},
		"hurts":        {[]Trial{{"", "", "a", around(0.1, 6), "", ""}, {"", "", "b", around(-0.1, 6), "", ""}}, false},
		"nothing":      {nil, false},
		"one is noisy": {[]Trial{{"", "", "a", around(0.1, 6), "", ""}, {"", "", "b", nil, "noisy", ""}}, false},
	} {
		if got := Confirmed(c.trials); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWrite(t *testing.T) {
	f := File{Machine: `{"cores":2}`, Adopted: []Choice{{"netloop", "epoll"}}, Confirmed: true,
		Defaults: map[string]string{"netloop": "nethttp"},
		Trials:   []Trial{{"netloop", "epoll", "a", around(0.1, 6), "", "ops_per_s"}, {"ioengine", "uring", "a", nil, "no\nring", ""}},
		Combined: []Trial{{"", "combined", "a", around(0.1, 6), "", ""}}}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") && line != "netloop: epoll # default: nethttp\n" {
			t.Errorf("a line that is neither setting nor comment: %q", line)
		}
	}
	if !strings.Contains(b.String(), machine.TunedMark+`{"cores":2}`) || !strings.Contains(b.String(), "ops_per_s +10.0%") {
		t.Error(b.String())
	}
	f.Confirmed = false
	b.Reset()
	if err := f.Write(&b); err != nil || strings.Contains(b.String(), "\nnetloop") ||
		!strings.Contains(b.String(), "not confirmed") {
		t.Error(b.String())
	}
}
