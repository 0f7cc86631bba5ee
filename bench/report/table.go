package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table writes one line a row, with headings.
func Table(w io.Writer, rows []Row) {
	cells := [][]string{Headings()}
	for i := range rows {
		cells = append(cells, rows[i].cells())
	}
	Columns(w, cells)
}

func (r *Row) cells() []string {
	name := r.Base + " → " + r.Candidate
	if r.Pairs == 0 {
		return []string{r.Scenario, name, r.Primary, "-", "-", "-", "-", "-", "0", r.said()}
	}
	base, candidate := r.Medians[0], r.Medians[1]
	return []string{
		r.Scenario, name, r.Primary,
		Number(base[r.Primary]), Number(candidate[r.Primary]), r.ratio(),
		Number(base[cpuMetric]) + " → " + Number(candidate[cpuMetric]),
		Number(base["rss_mb"]) + " → " + Number(candidate["rss_mb"]),
		strconv.Itoa(r.Pairs), r.said(),
	}
}

// Interval writes bounds and the level they hold at; there is none at level 0.
func Interval(lo, hi, level float64) string {
	if level == 0 {
		return "[no interval]"
	}
	return fmt.Sprintf("[%.3f, %.3f] %s", lo, hi, levelText(level))
}

func levelText(level float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*level), ".0") + "%"
}

// Columns writes lines of equally many cells, aligned by the runes they hold.
func Columns(w io.Writer, cells [][]string) {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range cells {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// Number writes v with about three significant digits and thousands apart.
func Number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case math.Abs(v) < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case math.Abs(v) < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatInt(int64(math.Round(v)), 10)
	sign := ""
	if v < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
