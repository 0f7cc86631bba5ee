package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"time"

	"flashstore/bench/figure"
	"flashstore/bench/gate"
	"flashstore/bench/plot"
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

func drawn(svg string) template.HTML { return template.HTML(svg) } // plot escapes every text

// classOf says how a verdict is coloured.
func classOf(v Verdict) string {
	switch v {
	case Better:
		return "better"
	case Worse:
		return "worse"
	}
	return "same"
}

func (r *Row) name() string { return r.Scenario + ": " + r.Candidate }

func forestChart(rows []Row) chart {
	var out []plot.Interval
	for i := range rows {
		r := &rows[i]
		if r.Ratio.N == 0 {
			continue
		}
		center, lo, hi := math.Exp(r.Ratio.Center), math.Exp(r.Ratio.Lo), math.Exp(r.Ratio.Hi)
		out = append(out, plot.Interval{Name: r.name(), Center: center, Lo: lo, Hi: hi,
			Class: classOf(r.Verdict), Title: fmt.Sprintf("%s, %s → %s, %s: %.3f %s, %s", r.Scenario,
				r.Base, r.Candidate, r.Primary, center, Interval(lo, hi, r.Ratio.Level), r.said())})
	}
	return chart{Note: "ratio of the primary metric, on a logarithmic scale, with its interval",
		SVG: drawn(plot.Forest(out))}
}

// timeChart shows each leg where it was run, so that drift shows as a slope of both sides.
func (c *comparisonLegs) timeChart() chart {
	sides := [2]plot.Series{{Name: c.first.Base, Class: "side0", Dots: true},
		{Name: c.first.Candidate, Class: "side1", Dots: true}}
	order := slices.Clone(c.legs)
	slices.SortStableFunc(order, func(a, b record.Leg) int { return a.Start.Compare(b.Start) })
	for i, leg := range order {
		value, ok := leg.Metrics[c.first.Primary]
		if !ok {
			continue
		}
		p := plot.Point{X: float64(i + 1), Y: value, Title: fmt.Sprintf("pair %d, %s, %s %s, %s",
			leg.Pair, leg.Start.Format(time.TimeOnly), Number(value), c.first.Primary, leg.Outcome)}
		if leg.Noisy || leg.Outcome != record.OK {
			p.Class = "noisy"
		}
		side := &sides[gate.Side(&leg)]
		side.Points = append(side.Points, p)
	}
	return chart{Title: c.title(), SVG: drawn(plot.Lines(plot.Chart{Label: c.title(), XLabel: "leg",
		YLabel: c.first.Primary, ZeroY: true}, sides[:]))}
}

// latencyChart shows the median over legs of each quantile; nil for legs without quantiles.
func (c *comparisonLegs) latencyChart() *chart {
	var series []plot.Series
	for side, name := range []string{c.first.Base, c.first.Candidate} {
		s := plot.Series{Name: name, Class: fmt.Sprintf("side%d", side)}
		for i, percent := range figure.Percents() {
			var values []float64
			for _, leg := range c.legs {
				if leg.Outcome == record.OK && gate.Side(&leg) == side && i < len(leg.Quantiles) {
					values = append(values, leg.Quantiles[i])
				}
			}
			if len(values) == 0 {
				continue
			}
			v := stat.Median(values)
			s.Points = append(s.Points, plot.Point{X: float64(i), Y: v, Tick: tick(percent, side),
				Title: fmt.Sprintf("%s p%g: %s µs", name, percent, Number(v))})
		}
		if len(s.Points) > 0 {
			series = append(series, s)
		}
	}
	if len(series) == 0 {
		return nil
	}
	return &chart{Title: c.title(), SVG: drawn(plot.Lines(plot.Chart{Label: c.title(),
		XLabel: "percentile", YLabel: "µs", LogY: true}, series))}
}

// tick labels a percentile once.
func tick(percent float64, side int) string {
	if side > 0 {
		return ""
	}
	return fmt.Sprintf("%g", percent)
}

// sweepCharts draw the scenarios of a sweep over concurrency as one curve a side.
func sweepCharts(legs []record.Leg) (out []chart) {
	type key struct{ session, family, base, candidate string }
	groups := map[key][]record.Leg{}
	var order []key
	for _, leg := range legs {
		k := key{leg.Session, leg.Family, leg.Base, leg.Candidate}
		if leg.Family == "" || leg.Outcome != record.OK {
			continue
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], leg)
	}
	for _, k := range order {
		var series []plot.Series
		for side, name := range []string{k.base, k.candidate} {
			series = append(series, sweepSeries(groups[k], side, name))
		}
		if len(series[0].Points) < 2 {
			continue // a sweep over something else
		}
		title := fmt.Sprintf("%s: %s → %s", k.family, k.base, k.candidate)
		out = append(out, chart{Title: title, SVG: drawn(plot.Lines(plot.Chart{Label: title,
			XLabel: "requests in flight", YLabel: "operations per second", LogX: true, ZeroY: true},
			series))})
	}
	return out
}

func sweepSeries(legs []record.Leg, side int, name string) plot.Series {
	values := map[int][]float64{}
	for _, leg := range legs {
		if gate.Side(&leg) == side {
			values[leg.Concurrent] = append(values[leg.Concurrent], leg.Metrics["ops_per_s"])
		}
	}
	s := plot.Series{Name: name, Class: fmt.Sprintf("side%d", side)}
	for concurrent, all := range values {
		v := stat.Median(all)
		s.Points = append(s.Points, plot.Point{X: float64(concurrent), Y: v,
			Title: fmt.Sprintf("%s, %d in flight: %s/s", name, concurrent, Number(v))})
	}
	slices.SortFunc(s.Points, func(a, b plot.Point) int { return cmp.Compare(a.X, b.X) })
	return s
}

// cpuChart shows what server and client spend on an operation.
func cpuChart(rows []Row) chart {
	var bars []plot.Bar
	for i := range rows {
		for side, name := range []string{rows[i].Base, rows[i].Candidate} {
			m := rows[i].Medians[side]
			if m == nil {
				continue
			}
			class := fmt.Sprintf("side%d", side)
			bars = append(bars, plot.Bar{Name: rows[i].Scenario + ": " + name, Parts: []plot.Part{
				{Value: m[cpuMetric], Class: class, Title: "server: " + Number(m[cpuMetric]) + " µs"},
				{Value: m["client_cpu_us_per_op"], Class: class + " light",
					Title: "client: " + Number(m["client_cpu_us_per_op"]) + " µs"}}})
		}
	}
	return chart{Note: "server, then client in a lighter shade; medians over pairs",
		SVG: drawn(plot.Bars("CPU per operation", "µs per operation", bars))}
}

func memoryChart(rows []Row) chart {
	var bars []plot.Bar
	for i := range rows {
		for side, name := range []string{rows[i].Base, rows[i].Candidate} {
			if m := rows[i].Medians[side]; m != nil {
				bars = append(bars, plot.Bar{Name: rows[i].Scenario + ": " + name, Parts: []plot.Part{{
					Value: m["rss_mb"], Class: fmt.Sprintf("side%d", side),
					Title: Number(m["rss_mb"]) + " MiB"}}})
			}
		}
	}
	return chart{Note: "the most that the server held resident in the window",
		SVG: drawn(plot.Bars("memory", "MiB", bars))}
}
