package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"flashstore/bench/record"
)

// Page is one HTML page that stands alone: no script, nothing that is loaded.
type Page struct {
	Title    string
	Sessions []record.Session
	Legs     []record.Leg
	Gates    []record.Verdict // of gates among the sessions
	History  []Past           // of the same comparisons, oldest first; may be empty
	Extras   []Extra          // profiles and the like, from untimed legs
}

// Extra is a part that others have drawn.
type Extra struct {
	Title, Note string
	SVG         string
	Table       [][]string // headings first
}

//go:embed page.html
var pageText string

// chart is a drawing with its heading.
type chart struct {
	Title, Note string
	SVG         template.HTML
	Table       [][]string
}

type group struct {
	Title  string
	Charts []chart
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	rows := Rows(p.Legs, p.Gates...)
	if slices.ContainsFunc(p.Sessions, func(s record.Session) bool { return s.Purpose == "peer" }) {
		rows = LossesFirst(rows)
	}
	var conclusion strings.Builder
	Conclude(&conclusion, rows)
	return page.Execute(w, map[string]any{
		"Title": p.Title, "Sessions": p.Sessions, "Rows": tableRows(rows),
		"Measured":   len(rows) > 0,
		"Conclusion": strings.Split(strings.TrimSpace(conclusion.String()), "\n"),
		"Groups":     p.groups(rows),
	})
}

// tableRows are the cells of the table, headings first, with the verdict as a class.
func tableRows(rows []Row) [][]string {
	out := [][]string{Headings()}
	for i := range rows {
		out = append(out, rows[i].cells())
	}
	return out
}

// groups are the charts in the order in which a reader asks.
func (p *Page) groups(rows []Row) []group {
	var out []group
	if len(rows) > 0 {
		out = append(out, group{"Which won, and by how much", []chart{forestChart(rows)}})
	}
	timeOrder := group{Title: "Legs in time order: does the machine drift?"}
	latency := group{Title: "Latency distribution"}
	course := group{Title: "Within long legs: does the server change?"}
	for _, c := range comparisons(p.Legs) {
		timeOrder.Charts = append(timeOrder.Charts, c.timeChart())
		if latencies := c.latencyChart(); latencies != nil {
			latency.Charts = append(latency.Charts, *latencies)
		}
		course.Charts = append(course.Charts, c.courseCharts()...)
	}
	out = append(out, timeOrder, latency, course)
	if sweeps := sweepCharts(p.Legs); len(sweeps) > 0 {
		out = append(out, group{"Throughput against concurrency", sweeps})
	}
	if len(rows) > 0 {
		out = append(out, group{"CPU per operation", []chart{cpuChart(rows)}},
			group{"Memory", []chart{memoryChart(rows)}})
	}
	if len(p.History) > 0 {
		out = append(out, group{"History", p.historyCharts()})
	}
	extras := group{Title: "Profiles, from legs that nobody timed"}
	for _, e := range p.Extras {
		extras.Charts = append(extras.Charts, chart{Title: e.Title, Note: e.Note,
			SVG: template.HTML(e.SVG), Table: e.Table})
	}
	if len(extras.Charts) > 0 {
		out = append(out, extras)
	}
	return slices.DeleteFunc(out, func(g group) bool { return len(g.Charts) == 0 })
}

// historyCharts draw what was measured more than once; a page of history alone lists all of it.
func (p *Page) historyCharts() []chart {
	charts := historyCharts(p.History)
	if len(p.Sessions) == 0 {
		charts = append([]chart{{Table: historyTable(p.History)}}, charts...)
	}
	return charts
}

// Headings of the table.
func Headings() []string {
	return []string{"scenario", "base → candidate", "metric", "base", "candidate", "ratio [interval]",
		"server CPU µs/op", "RSS MiB", "n", "verdict"}
}

// comparisonLegs are the legs of one comparison in the order in which they were run.
type comparisonLegs struct {
	first record.Leg
	legs  []record.Leg
}

func (c *comparisonLegs) title() string {
	return fmt.Sprintf("%s: %s → %s", c.first.Scenario, c.first.Base, c.first.Candidate)
}

func comparisons(legs []record.Leg) (out []*comparisonLegs) {
	type key struct{ session, hash, base, candidate string }
	seen := map[key]*comparisonLegs{}
	for _, leg := range legs {
		if leg.Outcome == record.Withdrawn {
			continue // there is nothing to draw
		}
		k := key{leg.Session, leg.ScenarioHash, leg.Base, leg.Candidate}
		if seen[k] == nil {
			seen[k] = &comparisonLegs{first: leg}
			out = append(out, seen[k])
		}
		seen[k].legs = append(seen[k].legs, leg)
	}
	return out
}
