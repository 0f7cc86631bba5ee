package report

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"flashstore/bench/plot"
	"flashstore/bench/record"
)

// Past is a comparison as one session had it.
type Past struct {
	Session record.Session
	Row     Row
}

// Histories are all comparisons of all sessions, oldest first, also those without a result.
func Histories(lines []record.Line) []Past {
	heads := map[string]record.Session{}
	var legs []record.Leg
	var gates []record.Verdict
	for _, line := range lines {
		switch {
		case line.Session != nil:
			heads[line.Session.ID] = *line.Session
		case line.Leg != nil:
			legs = append(legs, *line.Leg)
		case line.Verdict != nil:
			gates = append(gates, *line.Verdict)
		}
	}
	var out []Past
	for _, row := range Rows(legs, gates...) {
		if head, ok := heads[row.Session]; ok {
			out = append(out, Past{head, row})
		}
	}
	return out
}

// PrintHistory writes one line a comparison and session. Only ratios are comparable over time; what
// was measured on another machine is not even that, and marked.
func PrintHistory(w io.Writer, all []Past) { Columns(w, historyTable(all)) }

func historyTable(all []Past) [][]string {
	cells := [][]string{{"date", "session", "revision", "machine", "scenario", "base → candidate",
		"ratio [interval]", "n", "verdict"}}
	for i := range all {
		p := &all[i]
		cells = append(cells, []string{p.Session.Start.Format("2006-01-02 15:04"), p.Session.ID,
			p.Session.Revision, p.Session.Machine, p.Row.Scenario, p.Row.Base + " → " + p.Row.Candidate,
			p.Row.ratio(), strconv.Itoa(p.Row.Pairs), p.Row.said()})
	}
	return cells
}

func (r *Row) ratio() string {
	if r.Ratio.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %s", math.Exp(r.Ratio.Center),
		Interval(math.Exp(r.Ratio.Lo), math.Exp(r.Ratio.Hi), r.Ratio.Level))
}

// historyCharts draw the ratio of each comparison that was made more than once.
func historyCharts(all []Past) (out []chart) {
	type key struct{ scenario, base, candidate string }
	var order []key
	groups := map[key][]Past{}
	for _, p := range all {
		if p.Row.Ratio.N == 0 {
			continue // nothing to draw
		}
		k := key{p.Row.Scenario, p.Row.Base, p.Row.Candidate}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], p)
	}
	for _, k := range order {
		if len(groups[k]) < 2 {
			continue
		}
		s := plot.Series{Name: "candidate / base", Class: "side1"}
		for i, p := range groups[k] {
			point := plot.Point{X: float64(i + 1), Y: math.Exp(p.Row.Ratio.Center),
				Tick:  p.Session.Start.Format("01-02"),
				Title: fmt.Sprintf("%s, %s: %s", p.Session.ID, p.Session.Revision, p.Row.ratio())}
			if p.Session.Machine != groups[k][len(groups[k])-1].Session.Machine {
				point.Class = "noisy" // another machine
			}
			s.Points = append(s.Points, point)
		}
		title := fmt.Sprintf("%s: %s → %s", k.scenario, k.base, k.candidate)
		out = append(out, chart{Title: title, Note: "hollow: measured on another machine",
			SVG: drawn(plot.Lines(plot.Chart{Label: title, XLabel: "session", YLabel: "ratio"},
				[]plot.Series{s}))})
	}
	return out
}

// Index writes a page in Markdown that lists all sessions that have legs, newest first, with links
// to their pages where has says that there is one.
func Index(w io.Writer, lines []record.Line, has func(name string) bool) error {
	past := Histories(lines)
	fmt.Fprint(w, "# Results\n\nOne line a session and comparison, newest first: `flashbench report "+
		"--index` writes this page,\n`flashbench report SESSION` prints one, with `--html FILE` as a "+
		"page of plots. Records are append-only, in\n[index.ndjson](index.ndjson).\n\n"+
		"| date | session | machine | scenario | base → candidate | ratio [interval] | n | verdict |\n"+
		"|---|---|---|---|---|---|---|---|\n")
	for i := len(past) - 1; i >= 0; i-- {
		p := &past[i]
		session := markdown(p.Session.ID)
		if has(p.Session.ID + ".html") {
			session = fmt.Sprintf("[%s](%s.html)", session, session)
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s, %d cores | %s | %s → %s | %s | %d | %s |\n",
			p.Session.Start.Format("2006-01-02"), session, markdown(p.Session.Fingerprint.CPU),
			p.Session.Fingerprint.Cores, markdown(p.Row.Scenario), markdown(p.Row.Base),
			markdown(p.Row.Candidate), p.Row.ratio(), p.Row.Pairs, markdown(p.Row.said())); err != nil {
			return err
		}
	}
	return nil
}
