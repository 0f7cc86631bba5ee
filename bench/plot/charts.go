package plot

import (
	"fmt"
	"math"
)

// Interval is one row of a forest plot: a ratio and how sure it is.
type Interval struct {
	Name, Title    string
	Center, Lo, Hi float64
	Class          string // better, worse or same
}

// farBound times the centre and beyond, a bound is cut off: that of one pair is infinite.
const farBound = 20

// nameRunes fit into the space beside a row.
const nameRunes = 44

// Forest draws ratios on a logarithmic scale around 1.
func Forest(rows []Interval) string {
	c := newCanvas(top+bottom+rowHeight*float64(len(rows)), "ratios with intervals")
	values := []float64{0.95, 1 / 0.95}
	for _, r := range rows {
		values = append(values, r.Center) // however far away: a large loss must not be off the page
		for _, v := range []float64{r.Lo, r.Hi} {
			if v > r.Center/farBound && v < r.Center*farBound {
				values = append(values, v)
			}
		}
	}
	lo, hi := spread(values, true)
	x := scale{lo: lo, hi: hi, from: left + 130, to: Width - right, log: true}
	c.axisX(x, "candidate / base")
	c.line(x.at(1), top, x.at(1), c.height-bottom, "one")
	for i, r := range rows {
		y := top + rowHeight*(float64(i)+0.5)
		c.text(left+120, y+4, "end", clip(r.Name, nameRunes))
		from, to := max(r.Lo, lo), min(r.Hi, hi)
		c.line(x.at(from), y, x.at(to), y, "interval "+r.Class)
		c.dot(x.at(r.Center), y, r.Class, r.Title)
	}
	return c.String()
}

func (c *canvas) axisX(x scale, label string) {
	y := c.height - bottom
	for _, v := range x.ticks() {
		c.line(x.at(v), c.top, x.at(v), y, "grid")
		c.text(x.at(v), y+14, "middle", Short(v))
	}
	c.text((x.from+x.to)/2, c.height-4, "middle", label)
}

func (c *canvas) axisY(y scale, x0, x1 float64, label string) {
	for _, v := range y.ticks() {
		c.line(x0, y.at(v), x1, y.at(v), "grid")
		c.text(x0-6, y.at(v)+4, "end", Short(v))
	}
	c.text(x0+4, c.top+10, "start", label)
}

// Point of a line; Class adds to that of its series.
type Point struct {
	X, Y  float64
	Title string
	Class string
	Tick  string // below the point, where the axis has words
}

// Series is a line, or dots alone.
type Series struct {
	Name   string
	Class  string // side0, side1, …
	Points []Point
	Dots   bool // no line between the points
}

// Chart says how Lines draws.
type Chart struct {
	Label, XLabel, YLabel string
	LogX, LogY, ZeroY     bool
}

const (
	chartHeight = 230.0 // without its legend
	chartLeft   = 70.0
)

// Lines draws series over one axis.
func Lines(chart Chart, all []Series) string {
	names := newLegend(all)
	c := newCanvas(chartHeight+names.height, chart.Label)
	c.top += names.height
	var xs, ys []float64
	words := false
	for _, s := range all {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
			words = words || p.Tick != ""
		}
	}
	if chart.ZeroY {
		ys = append(ys, 0)
	}
	loX, hiX := spread(xs, chart.LogX)
	loY, hiY := spread(ys, chart.LogY)
	if chart.ZeroY {
		loY = 0
	}
	x := scale{lo: loX, hi: hiX, from: chartLeft, to: Width - right, log: chart.LogX}
	y := scale{lo: loY, hi: hiY, from: c.height - bottom, to: c.top, log: chart.LogY}
	c.axisY(y, x.from, x.to, chart.YLabel)
	if !words {
		c.axisX(x, chart.XLabel)
	}
	names.draw(c)
	for _, s := range all {
		c.series(s, x, y)
	}
	if words {
		c.text((x.from+x.to)/2, c.height-4, "middle", chart.XLabel)
	}
	return c.String()
}

func (c *canvas) series(s Series, x, y scale) {
	for i, p := range s.Points {
		if i > 0 && !s.Dots {
			before := s.Points[i-1]
			c.line(x.at(before.X), y.at(before.Y), x.at(p.X), y.at(p.Y), "path "+s.Class)
		}
		if p.Tick != "" {
			c.text(x.at(p.X), c.height-bottom+14, "middle", p.Tick)
		}
	}
	for _, p := range s.Points {
		c.dot(x.at(p.X), y.at(p.Y), s.Class+" "+p.Class, p.Title)
	}
}

// Bar is one bar of several parts, one behind the other.
type Bar struct {
	Name  string
	Parts []Part
}

// Part of a bar.
type Part struct {
	Value float64
	Class string
	Title string
}

// Bars draws horizontal bars from zero.
func Bars(label, unit string, bars []Bar) string {
	c := newCanvas(top+bottom+rowHeight*float64(len(bars)), label)
	longest := 0.0
	for _, bar := range bars {
		sum := 0.0
		for _, p := range bar.Parts {
			sum += p.Value
		}
		if finite(sum) {
			longest = max(longest, sum)
		}
	}
	x := scale{lo: 0, hi: max(longest*1.05, math.SmallestNonzeroFloat64), from: left + 130,
		to: Width - right}
	c.axisX(x, unit)
	for i, bar := range bars {
		y, at := top+rowHeight*float64(i)+4, 0.0
		c.text(left+120, y+12, "end", clip(bar.Name, nameRunes))
		for _, p := range bar.Parts {
			c.box(x.at(at), y, x.at(at+p.Value)-x.at(at), rowHeight-8, p.Class, p.Title)
			at += p.Value
		}
	}
	return c.String()
}

// Frame of a flame graph: a function, and what it called.
type Frame struct {
	Name     string
	Value    float64 // with all it called
	Children []*Frame
}

const (
	flameHeight   = 17.0
	flameDepthMax = 48
	flameShareMin = 0.001 // of the whole; less cannot be seen
	textShareMin  = 0.04
)

// Flame draws a tree of frames, callers below… above their callees: an icicle, root first.
func Flame(root *Frame, unit string) string {
	depth := min(flameDepthMax, root.depth(root.Value*flameShareMin))
	c := newCanvas(flameHeight*float64(depth)+8, "flame graph")
	c.frame(root, 0, 0, root.Value, unit)
	return c.String()
}

func (f *Frame) depth(least float64) int {
	deepest := 0
	for _, child := range f.Children {
		if child.Value >= least {
			deepest = max(deepest, child.depth(least))
		}
	}
	return deepest + 1
}

func (c *canvas) frame(f *Frame, x float64, level int, whole float64, unit string) {
	width := f.Value / whole * Width
	if !(f.Value >= whole*flameShareMin) || level >= flameDepthMax {
		return
	}
	y := flameHeight * float64(level)
	c.box(x, y, max(0, width-0.5), flameHeight-1, fmt.Sprintf("flame%d", hue(f.Name)),
		fmt.Sprintf("%s: %s %s, %.1f%%", f.Name, Short(f.Value), unit, 100*f.Value/whole))
	if width > textShareMin*Width {
		c.text(x+3, y+12, "start", clip(f.Name, int(width/runeWidth)))
	}
	for _, child := range f.Children {
		c.frame(child, x, level+1, whole, unit)
		x += child.Value / whole * Width
	}
}

// hue is the same for the same name.
func hue(name string) (n int) {
	for _, b := range []byte(name) {
		n = (n*31 + int(b)) % 997
	}
	return n % 6
}

func clip(text string, runes int) string {
	all := []rune(text)
	if len(all) <= runes {
		return text
	}
	return string(all[:max(0, runes-1)]) + "…"
}
