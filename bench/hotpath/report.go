package hotpath

import (
	"fmt"
	"io"
	"math"
	"slices"

	"flashstore/bench/host"
	"flashstore/bench/report"
	"flashstore/bench/stat"
)

// Report is what a run has measured.
type Report struct {
	Machine host.Fingerprint  `json:"machine"`
	Config  Config            `json:"config"`
	Axes    map[string]string `json:"axes"` // active ones of our server
	Rows    []Row             `json:"rows"`
	Ledgers []Ledger          `json:"ledgers,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
}

// Print writes the table and the notes.
func (r *Report) Print(w io.Writer) {
	cells := [][]string{{"row", "flashstore", "against", "ratio [interval]", "target", "",
		"server CPU µs/op", "against", "n"}}
	for i := range r.Rows {
		cells = append(cells, r.Rows[i].cells())
	}
	report.Columns(w, cells)
	printLedgers(w, r.Ledgers)
	for _, note := range r.Notes {
		fmt.Fprintln(w, "note: "+note)
	}
}

func (r *Row) cells() []string {
	cells := []string{r.Title, number(r.Ours) + r.Unit, "-", "-", r.targetText(), r.Verdict(),
		number(r.OursCPU), number(r.BaseCPU), fmt.Sprint(len(r.Ours))}
	switch {
	case r.Than == "" && len(r.Ours) > 1:
		cells[3] = fmt.Sprintf("%s to %s", report.Number(slices.Min(r.Ours)),
			report.Number(slices.Max(r.Ours)))
	case len(r.Base) > 0:
		e := r.Estimate()
		cells[2] = r.Than + " " + number(r.Base) + r.Unit
		cells[3] = fmt.Sprintf("%.3f %s", math.Exp(e.Center),
			report.Interval(math.Exp(e.Lo), math.Exp(e.Hi), e.Level))
	}
	return cells
}

func (r *Row) targetText() string {
	switch {
	case r.Bound == 0:
		return "-"
	case r.AtLeast:
		return fmt.Sprintf("≥ %.2f", r.Bound)
	case r.Than != "":
		return fmt.Sprintf("≤ %.2f", r.Bound)
	}
	return fmt.Sprintf("≤ %g%s", r.Bound, r.Unit)
}

// number is the median as text.
func number(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	return report.Number(stat.Median(values))
}
