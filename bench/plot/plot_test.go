package plot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// parse fails the test unless text is well-formed, and returns how often each element is there.
func parse(t *testing.T, text string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if start, ok := token.(xml.StartElement); ok {
			count[start.Name.Local]++
		}
	}
}

func TestForest(t *testing.T) {
	text := Forest([]Interval{{Name: "a <b> & c", Title: `"x"`, Center: 1.2, Lo: 1.1, Hi: 1.3,
		Class: "better"}, {Name: "one pair", Center: 0.9, Lo: 0, Hi: math.Inf(1), Class: "same"}})
	if n := parse(t, text); n["circle"] != 2 || !strings.Contains(text, "a &lt;b&gt; &amp; c") {
		t.Errorf("%v: %s", n, text)
	}
}

// A ratio that is far from 1 is on the page, and a bound without an end does not push it aside.
func TestForestShowsFarRatios(t *testing.T) {
	long := strings.Repeat("x", 200)
	text := Forest([]Interval{{Name: "fast", Center: 40, Lo: 38, Hi: 43, Class: "better"},
		{Name: "slow", Center: 0.01, Lo: 0, Hi: math.Inf(1), Class: "worse"}, {Name: long, Center: 1}})
	if n := parse(t, text); n["circle"] != 3 || strings.Contains(text, long) {
		t.Fatalf("%v: %s", n, text)
	}
	for _, circle := range strings.Split(text, "<circle ")[1:] {
		var x float64
		if _, err := fmt.Sscanf(circle, `cx="%f"`, &x); err != nil || x < 0 || x > Width {
			t.Errorf("at %g, error %v", x, err)
		}
	}
}

func TestLines(t *testing.T) {
	text := Lines(Chart{Label: "l", LogX: true, LogY: true}, []Series{{Name: "s", Class: "side0",
		Points: []Point{{X: 1, Y: 10}, {X: 4, Y: 1000}, {X: 16, Y: math.NaN()}}}})
	n := parse(t, text)
	if n["circle"] != 3 || strings.Contains(text, "NaN") { // two points and the legend
		t.Errorf("%v: %s", n, text)
	}
	if strings.Count(text, `class="path`) != 1 {
		t.Errorf("a line to nowhere: %s", text)
	}
	parse(t, Lines(Chart{}, nil))
	gap := []Point{{X: 1, Y: 1}, {X: 2, Y: 1}, {X: 3, Y: math.NaN()}, {X: 4, Y: 1}, {X: 5, Y: 1}}
	if n := strings.Count(Lines(Chart{}, []Series{{Points: gap}}), "path"); n != 2 {
		t.Errorf("%d lines around a gap", n)
	}
}

// However long the names are, the legend has them whole and on the page, none over another, and all
// of it is above the marks.
func TestLegendIsWhole(t *testing.T) {
	names := []string{"nethttp+heap+threadpool", "epoll+arena+uring", strings.Repeat("long ", 12),
		strings.Repeat("longer ", 12), "short"}
	var all []Series
	for _, name := range names {
		all = append(all, Series{Name: name, Points: []Point{{X: 1, Y: 1}, {X: 2, Y: 2}}})
	}
	text := Lines(Chart{}, all)
	parse(t, text)
	ends := map[float64]float64{} // of what stands in a row so far
	lowest := 0.0
	for _, name := range names {
		before, _, ok := strings.Cut(text, `">`+name+`</text>`)
		if !ok {
			t.Errorf("no name %q", name)
			continue
		}
		var x, y float64
		if _, err := fmt.Sscanf(before[strings.LastIndex(before, "<text "):], `<text x="%f" y="%f"`, &x, &y); err != nil {
			t.Fatal(err)
		}
		end := x + runeWidth*float64(len(name))
		if x < ends[y] || end > Width {
			t.Errorf("%q from %g to %g, in a row that is full until %g", name, x, end, ends[y])
		}
		ends[y], lowest = end, max(lowest, y)
	}
	for _, line := range strings.Split(text, "<line ")[1:] {
		var x, y1, y2 float64
		if _, err := fmt.Sscanf(line, `x1="%f" y1="%f" x2="%f" y2="%f"`, &x, &y1, &x, &y2); err != nil ||
			min(y1, y2) < lowest {
			t.Errorf("a line from %g to %g, the legend ends at %g; error %v", y1, y2, lowest, err)
		}
	}
}

func TestBars(t *testing.T) {
	text := Bars("l", "µs", []Bar{{"a", []Part{{1, "side0", "x"}, {3, "side1", "y"}}}, {"b", nil}})
	if n := parse(t, text); n["rect"] != 2 {
		t.Errorf("%v: %s", n, text)
	}
}

func TestFlame(t *testing.T) {
	root := &Frame{Name: "root", Value: 100, Children: []*Frame{{Name: "f<T>", Value: 60},
		{Name: "g", Value: 39.99}, {Name: "too small to see", Value: 0.01}}}
	text := Flame(root, "ms")
	if n := parse(t, text); n["rect"] != 3 || !strings.Contains(text, "f&lt;T&gt;: 60 ms, 60.0%") {
		t.Errorf("%v: %s", n, text)
	}
}

func TestTicks(t *testing.T) {
	for _, s := range []scale{{lo: 0, hi: 1}, {lo: 90, hi: 1234567}, {lo: -1e-9, hi: 1e-9},
		{lo: 0.001, hi: 1e6, log: true}, {lo: 0.95, hi: 1.05, log: true}, {lo: 1, hi: 1}} {
		ticks := s.ticks()
		if len(ticks) > 2*ticksWanted+1 {
			t.Errorf("%+v: %v", s, ticks)
		}
		for _, v := range ticks {
			if v < s.lo || v > s.hi {
				t.Errorf("%+v: %g is outside", s, v)
			}
		}
	}
}
