package report

import (
	"fmt"
	"io"
	"strings"

	"flashstore/bench/gate"
)

// differing are the counts of a kind of request by which the sides differ.
func (g *Gate) differing(request string) map[string]bool {
	out := map[string]bool{}
	for _, f := range g.Counts {
		if f.Request == request && f.Differs() {
			out[f.Count] = true
		}
	}
	return out
}

// compared is how many exact counts were compared, and how many of them are equal as the gate tells
// it.
func (g *Gate) compared() (all, equal int) {
	for i := range g.Ledgers {
		n, same := g.comparedOf(&g.Ledgers[i])
		all, equal = all+n, equal+same
	}
	return all, equal
}

func (g *Gate) comparedOf(l *gate.Ledger) (all, equal int) {
	differs := g.differing(l.Request)
	for _, name := range l.Compared() {
		all++
		if !differs[name] {
			equal++
		}
	}
	return all, equal
}

// countsSaid says what became of the counts.
func (g *Gate) countsSaid() string {
	all, equal := g.compared()
	for _, f := range g.Counts {
		if f.Differs() && f.Inexact == "" {
			return fmt.Sprintf("counts per request: %d compared, %d equal", all, equal)
		}
	}
	return fmt.Sprintf("counts per request: %d compared, no difference", all)
}

// countCells are the counts, one line a kind of request, with headings. What is not exact has a ~.
func (g *Gate) countCells() [][]string {
	columns := accountsOf(g.Ledgers...)
	heads := []string{"per request"}
	for _, a := range columns {
		heads = append(heads, a.words)
	}
	cells := [][]string{heads}
	for i := range g.Ledgers {
		l := &g.Ledgers[i]
		differs := g.differing(l.Request)
		line := []string{l.Request}
		for _, a := range columns {
			text := a.cell(l, differs[a.name])
			if text != nothing && gate.Inexact(l.Request, a.name) != "" {
				text = "~" + strings.TrimPrefix(text, "~")
			}
			line = append(line, text)
		}
		cells = append(cells, line)
	}
	return cells
}

// printCounts writes all counts and what of them differs.
func (g *Gate) printCounts(w io.Writer) {
	if len(g.Ledgers) > 0 {
		if len(g.Rows) > 0 {
			fmt.Fprintln(w)
		}
		Columns(w, g.countCells())
	}
	if g.Counted {
		fmt.Fprintln(w, g.countsSaid())
	}
	for _, f := range g.Counts {
		fmt.Fprintln(w, f)
	}
}

// markdownCounts is the same for a pull request.
func (g *Gate) markdownCounts(b *strings.Builder) {
	if g.Counted {
		fmt.Fprintf(b, "- %s\n", g.countsSaid())
	}
	for _, f := range g.Counts {
		fmt.Fprintf(b, "- %s\n", f)
	}
	if len(g.Ledgers) == 0 {
		return
	}
	b.WriteString("\n")
	for i, line := range g.countCells() {
		fmt.Fprintf(b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|%s\n", strings.Repeat("---|", len(line)))
		}
	}
}

// junitCounts is the case of the counts, which fails by the first that is worse.
func (g *Gate) junitCounts() junitCase {
	c := junitCase{Class: junitClass, Name: "counts per request", Output: g.countsSaid() + "\n"}
	for _, f := range g.Counts {
		if f.Worse && c.Failure == nil {
			c.Failure = &junitReason{f.String()}
		}
		c.Output += f.String() + "\n"
	}
	return c
}

// countLines are the objects of the counts: one a kind of request, then one a finding.
func (g *Gate) countLines() (out []map[string]any) {
	for i := range g.Ledgers {
		all, equal := g.comparedOf(&g.Ledgers[i])
		out = append(out, map[string]any{"session": g.Session, "ledger": g.Ledgers[i],
			"compared": all, "equal": equal})
	}
	for _, f := range g.Counts {
		out = append(out, map[string]any{"session": g.Session, "count": f, "text": f.String()})
	}
	return out
}
