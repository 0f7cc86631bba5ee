package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Width of all drawings; they scale with the page.
const Width = 860

const (
	left, right, top, bottom = 150.0, 20.0, 12.0, 34.0
	rowHeight                = 24.0
	runeWidth                = 6.5 // at most, but for few
	ticksWanted              = 6
)

// canvas is a drawing under way.
type canvas struct {
	b      strings.Builder
	height float64
	top    float64 // above it are no marks
}

func newCanvas(height float64, label string) *canvas {
	c := &canvas{height: height, top: top}
	fmt.Fprintf(&c.b, `<svg viewBox="0 0 %d %.0f" role="img" aria-label="%s">`, Width, height,
		html.EscapeString(label))
	return c
}

func (c *canvas) String() string { return c.b.String() + "</svg>" }

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	if finite(x1, y1, x2, y2) {
		fmt.Fprintf(&c.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2,
			class)
	}
}

func (c *canvas) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor,
		html.EscapeString(text))
}

func (c *canvas) dot(x, y float64, class, title string) {
	if finite(x, y) {
		fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="3.5" class="%s"><title>%s</title></circle>`, x,
			y, class, html.EscapeString(title))
	}
}

func (c *canvas) box(x, y, width, height float64, class, title string) {
	if finite(x, y, width, height) && width >= 0 && height >= 0 {
		fmt.Fprintf(&c.b, `<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" class="%s">`+
			`<title>%s</title></rect>`, x, y, width, height, class, html.EscapeString(title))
	}
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// scale maps values to places, by their logarithm where log is set.
type scale struct {
	lo, hi   float64
	from, to float64
	log      bool
}

func (s scale) at(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(v)
	}
	if hi == lo {
		return (s.from + s.to) / 2
	}
	return s.from + (v-lo)/(hi-lo)*(s.to-s.from)
}

// ticks are round numbers within the scale.
func (s scale) ticks() (out []float64) {
	if s.log {
		for decade := math.Pow(10, math.Floor(math.Log10(s.lo))); decade <= s.hi; decade *= 10 {
			for _, m := range []float64{1, 2, 5} {
				if v := m * decade; v >= s.lo && v <= s.hi {
					out = append(out, v)
				}
			}
			if decade == 0 {
				break
			}
		}
		return thin(out)
	}
	if !(s.hi > s.lo) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((s.hi-s.lo)/ticksWanted)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (s.hi-s.lo)/(step*m) <= ticksWanted {
			step *= m
			break
		}
	}
	for i := math.Ceil(s.lo / step); i*step <= s.hi; i++ {
		out = append(out, i*step)
	}
	return out
}

// thin keeps every n-th of too many.
func thin(ticks []float64) (out []float64) {
	n := (len(ticks) + 2*ticksWanted - 1) / (2 * ticksWanted)
	for i, v := range ticks {
		if i%max(1, n) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// Short writes a number in few characters: 12k, 3.4M, 0.25.
func Short(v float64) string {
	for _, unit := range []struct {
		factor float64
		name   string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.factor {
			return trim(v/unit.factor) + unit.name
		}
	}
	return trim(v)
}

func trim(v float64) string { return fmt.Sprintf("%.3g", v) }

// spread is the range of values with some room around; positive ones only where log is set.
func spread(values []float64, log bool) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) && (!log || v > 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return 1, 2
	}
	if log {
		return lo / 1.1, hi * 1.1
	}
	room := 0.05 * (hi - lo)
	if room == 0 {
		room = max(1e-9, math.Abs(hi)*0.05)
	}
	return lo - room, hi + room
}
