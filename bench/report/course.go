package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"flashstore/bench/gate"
	"flashstore/bench/plot"
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

// courseMetrics in the order in which they are shown, with words for them.
func courseMetrics() [][2]string {
	return [][2]string{{"ops_per_s", "rate"}, {"p50", "p50"}, {"p99", "p99"},
		{cpuMetric, "server CPU per operation"}, {"rss_mb", "memory"}}
}

// courseOf is the median over legs of a side, part by part; nil where they have other parts.
func courseOf(pairs [][2]record.Leg, side int) []record.Moment {
	first := pairs[0][side].Course
	same := func(a, b record.Moment) bool { return a.Seconds == b.Seconds }
	for _, pair := range pairs {
		if !slices.EqualFunc(pair[side].Course, first, same) {
			return nil
		}
	}
	out := make([]record.Moment, 0, len(first))
	for i := range first {
		moment := record.Moment{Seconds: first[i].Seconds, Metrics: map[string]float64{}}
		for _, metric := range courseMetrics() {
			var values []float64
			for _, pair := range pairs {
				if v, ok := pair[side].Course[i].Metrics[metric[0]]; ok {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				moment.Metrics[metric[0]] = stat.Median(values)
			}
		}
		out = append(out, moment)
	}
	return out
}

// CourseLines say what changed within the legs of each side; none for short ones.
func (r *Row) CourseLines() (lines []string) {
	for side, name := range []string{r.Base, r.Candidate} {
		course := r.Courses[side]
		if len(course) == 0 {
			continue
		}
		var parts []string
		for _, metric := range courseMetrics() {
			var at []string
			for _, i := range []int{0, len(course) / 2, len(course) - 1} {
				at = append(at, momentary(&course[i], metric[0]))
			}
			parts = append(parts, metric[1]+" "+strings.Join(at, " → ")+" "+unitOf(metric[0]))
		}
		lines = append(lines, fmt.Sprintf("%s, %s, in the first, the middle and the last of %d parts of "+
			"%s s: %s.", r.Scenario, name, len(course), Number(course[0].Seconds),
			strings.Join(parts, ", ")))
	}
	return lines
}

// momentary is a figure of a part, "-" where there is none.
func momentary(m *record.Moment, metric string) string {
	if v, ok := m.Metrics[metric]; ok {
		return Number(v)
	}
	return "-"
}

// courseCharts show how each metric went within the legs; none of short ones.
func (c *comparisonLegs) courseCharts() (out []chart) {
	pairs := gate.WholePairs(c.legs)
	if len(pairs) == 0 {
		return nil
	}
	for _, metric := range courseMetrics() {
		var series []plot.Series
		for side, name := range []string{c.first.Base, c.first.Candidate} {
			s := courseSeries(courseOf(pairs, side), metric[0], name)
			s.Class = fmt.Sprintf("side%d", side)
			if slices.ContainsFunc(s.Points, func(p plot.Point) bool { return !math.IsNaN(p.Y) }) {
				series = append(series, s)
			}
		}
		if len(series) == 0 {
			continue
		}
		title := c.title() + ", " + metric[1]
		out = append(out, chart{Title: title, SVG: drawn(plot.Lines(plot.Chart{Label: title,
			XLabel: "seconds", YLabel: unitOf(metric[0]), ZeroY: true}, series))})
	}
	return out
}

// courseSeries has a gap, which is drawn where a value is none, for a part that gave no figure.
func courseSeries(course []record.Moment, metric, name string) plot.Series {
	s := plot.Series{Name: name}
	for _, moment := range course {
		p := plot.Point{X: moment.Seconds, Y: math.NaN()}
		if v, ok := moment.Metrics[metric]; ok {
			p.Y, p.Title = v, fmt.Sprintf("%s, up to %s s: %s %s", name, Number(moment.Seconds), Number(v),
				unitOf(metric))
		}
		s.Points = append(s.Points, p)
	}
	return s
}
