package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"flashstore/bench/gate"
	"flashstore/bench/record"
)

// Gate is what a gate has found.
type Gate struct {
	Session string
	Counted bool                // requests, on both sides
	Ledgers []gate.Ledger       // a kind of request each: all that was counted
	Counts  []gate.CountFinding // that differ, or are not compared
	Rows    []GateRow
	Broken  string // why it compared nothing, or not all; empty: it did
}

// GateRow is one scenario of it.
type GateRow struct {
	Scenario string
	gate.Judgement
	Warning string
	Legs    []record.Leg
}

// Verdict of the whole gate.
func (g *Gate) Verdict() gate.Verdict {
	var all []gate.Verdict
	for i := range g.Rows {
		all = append(all, g.Rows[i].Finding.Verdict)
	}
	if slices.ContainsFunc(g.Counts, func(f gate.CountFinding) bool { return f.Worse }) {
		return gate.Fail
	}
	if g.Broken != "" {
		all = append(all, gate.Invalid)
	}
	if len(all) == 0 && g.Counted {
		return gate.Pass // counts alone, and none is worse
	}
	return gate.Worst(all...)
}

// figures are the cells of what a finding has computed.
func figures(f gate.Finding) (change, lower, p string) {
	if f.Figures == nil {
		return nothing, nothing, nothing
	}
	return fmt.Sprintf("%+.1f%%", 100*f.Change), fmt.Sprintf("%+.1f%%", 100*f.Lower),
		fmt.Sprintf("%.4f", f.P)
}

// Print writes the findings for a terminal.
func (g *Gate) Print(w io.Writer) {
	cells := [][]string{{"scenario", "metric", "change", "not below", "p", "pairs", "stages",
		"verdict"}}
	for i := range g.Rows {
		f := g.Rows[i].Finding
		change, lower, p := figures(f)
		cells = append(cells, []string{g.Rows[i].Scenario, g.Rows[i].Metric, change, lower, p,
			fmt.Sprint(f.Pairs), fmt.Sprint(g.Rows[i].Stages), string(f.Verdict)})
	}
	fmt.Fprintln(w)
	if len(g.Rows) > 0 {
		Columns(w, cells)
	}
	for i := range g.Rows {
		fmt.Fprintf(w, "%s: %s: %s\n", g.Rows[i].Scenario, g.Rows[i].Finding.Verdict,
			g.Rows[i].Finding.Reason)
		if g.Rows[i].Warning != "" {
			fmt.Fprintf(w, "%s: warning: %s\n", g.Rows[i].Scenario, g.Rows[i].Warning)
		}
	}
	g.printCounts(w)
	if g.Broken != "" {
		fmt.Fprintf(w, "%s: %s\n", gate.Invalid, markdown(g.Broken))
	}
	fmt.Fprintf(w, "verdict: %s\n", g.Verdict())
}

// junit is the form that continuous integration reads: one test case a scenario.
type junit struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

const junitClass = "flashbench.gate"

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
}

// JUnit writes FAIL as a failure, INVALID as an error and INCONCLUSIVE as skipped.
func (g *Gate) JUnit(w io.Writer) error {
	suite := junit{Name: "flashbench gate"}
	for i := range g.Rows {
		f := g.Rows[i].Finding
		c := junitCase{Class: junitClass, Name: g.Rows[i].Scenario, Output: g.Rows[i].Warning}
		reason := &junitReason{f.Reason}
		switch f.Verdict {
		case gate.Fail:
			c.Failure = reason
		case gate.Invalid:
			c.Error, suite.Errors = reason, suite.Errors+1
		case gate.Inconclusive:
			c.Skipped, suite.Skipped = reason, suite.Skipped+1
		}
		suite.Cases = append(suite.Cases, c)
	}
	if g.Counted {
		suite.Cases = append(suite.Cases, g.junitCounts())
	}
	if g.Broken != "" {
		suite.Errors++
		suite.Cases = append(suite.Cases, junitCase{Class: junitClass, Name: "the gate itself",
			Error: &junitReason{g.Broken}})
	}
	for i := range suite.Cases {
		if suite.Cases[i].Failure != nil {
			suite.Failures++
		}
	}
	suite.Tests = len(suite.Cases)
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

// Markdown writes a summary for a pull request.
func (g *Gate) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Performance gate: %s\n\n", g.Verdict())
	if len(g.Rows) > 0 {
		b.WriteString("| scenario | metric | change | not below | p | pairs | verdict |\n" +
			"|---|---|---|---|---|---|---|\n")
	}
	for i := range g.Rows {
		f := g.Rows[i].Finding
		change, lower, p := figures(f)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | **%s** |\n", g.Rows[i].Scenario,
			g.Rows[i].Metric, change, lower, p, f.Pairs, f.Verdict)
	}
	b.WriteString("\n")
	for i := range g.Rows {
		fmt.Fprintf(&b, "- %s: %s\n", g.Rows[i].Scenario, markdown(g.Rows[i].Finding.Reason))
		if g.Rows[i].Warning != "" {
			fmt.Fprintf(&b, "- %s: warning: %s\n", g.Rows[i].Scenario, g.Rows[i].Warning)
		}
	}
	if g.Broken != "" {
		fmt.Fprintf(&b, "- %s: %s\n", gate.Invalid, markdown(g.Broken))
	}
	g.markdownCounts(&b)
	fmt.Fprintf(&b, "\nsession %s\n", g.Session)
	_, err := io.WriteString(w, b.String())
	return err
}

// NDJSON writes one object a finding, which has no figures where nothing was computed, and one for
// the verdict of all, which is always there and the last.
func (g *Gate) NDJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	for i := range g.Rows {
		r := &g.Rows[i]
		if err := encoder.Encode(map[string]any{"session": g.Session, "scenario": r.Scenario,
			"metric": r.Metric, "margin": r.Margin, "stages": r.Stages, "finding": r.Finding,
			"warning": r.Warning}); err != nil {
			return err
		}
	}
	for _, line := range g.countLines() {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	last := map[string]any{"session": g.Session, "verdict": g.Verdict()}
	if g.Counted {
		last["counts_compared"], last["counts_equal"] = g.compared()
	}
	if g.Broken != "" {
		last["broken"] = g.Broken
	}
	return encoder.Encode(last)
}

// Benchfmt writes every leg that counts in Go's benchmark format
// (https://go.dev/design/14313-benchmark-format): benchstat -col /side compares the sides.
func (g *Gate) Benchfmt(w io.Writer) error {
	var legs []record.Leg
	for i := range g.Rows {
		legs = append(legs, g.Rows[i].Legs...)
	}
	return Benchfmt(w, legs)
}
