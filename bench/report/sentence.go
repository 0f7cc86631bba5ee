package report

import (
	"fmt"
	"io"
	"strings"

	"flashstore/bench/stat"
)

// othersMax is the share of the machine from which on what others take is said, though both sides
// have borne it.
const othersMax = 0.2

// Conclude writes what a person should take away: first what went wrong, then one sentence a row.
func Conclude(w io.Writer, rows []Row) {
	for _, r := range rows {
		if r.Caveat != "" {
			fmt.Fprintf(w, "%s, %s → %s: %s\n", r.Scenario, r.Base, r.Candidate, r.Caveat)
		}
		for _, problem := range r.Problems {
			fmt.Fprintf(w, "%s, %s → %s: %s\n", r.Scenario, r.Base, r.Candidate, problem)
		}
		if r.Noisy > 0 {
			fmt.Fprintf(w, "%s: %d of %d pairs are noisy: the machine's own speed, or what "+
				"others took of it, moved within them\n", r.Scenario, r.Noisy, r.Pairs)
		}
		if r.DiskLeans {
			fmt.Fprintf(w, "%s, %s → %s: synced writes took longer before the legs of one side: the disk, "+
				"not the servers, may have decided\n", r.Scenario, r.Base, r.Candidate)
		}
		if r.Others > othersMax {
			fmt.Fprintf(w, "%s: others took %.0f%% of the machine all the time: these are figures of what "+
				"was left\n", r.Scenario, 100*r.Others)
		}
		if r.Pairs > 0 && r.ClientBound() {
			fmt.Fprintf(w, "%s: client-bound: the client took %.0f%% of the CPU of both processes; "+
				"CPU per operation says more than throughput\n", r.Scenario, 100*r.ClientShare)
		}
	}
	for _, r := range rows {
		fmt.Fprintln(w, r.Sentence())
		if figures := r.Figures(); figures != "" {
			fmt.Fprintln(w, figures)
		}
		if ledger := r.Ledger(); ledger != "" {
			fmt.Fprintln(w, ledger)
		}
		for _, line := range r.CourseLines() {
			fmt.Fprintln(w, line)
		}
	}
}

// Figures are the medians of what the scenario asks to be shown beside what decides; empty without
// any. What neither side could measure is left out.
func (r Row) Figures() string {
	var parts []string
	for _, metric := range r.Report {
		base, candidate := r.Medians[0][metric], r.Medians[1][metric]
		if base != 0 || candidate != 0 {
			parts = append(parts, fmt.Sprintf("%s %s → %s %s", metric, Number(base), Number(candidate),
				unitOf(metric)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s → %s: %s.", r.Scenario, r.Base, r.Candidate, strings.Join(parts, ", "))
}

func unitOf(metric string) string {
	switch {
	case metric == "ops_per_s":
		return "/s"
	case metric == "mb_per_s":
		return "MB/s"
	case strings.HasPrefix(metric, "rss"):
		return "MiB"
	case strings.HasPrefix(metric, "device"):
		return "MB"
	}
	return "µs"
}

// Sentence says in one sentence what won and by how much.
func (r Row) Sentence() string {
	if r.Withdrawn != "" {
		return fmt.Sprintf("%s: what was measured of %s against %s is withdrawn: %s.", r.Scenario,
			r.Candidate, r.Base, r.Withdrawn)
	}
	if r.Verdict == NoResult {
		return fmt.Sprintf("%s: no result for %s against %s.", r.Scenario, r.Candidate, r.Base)
	}
	if r.Gate != nil {
		return fmt.Sprintf("%s: gate: %s: %s.", r.Scenario, r.Gate.Verdict, r.Gate.Reason)
	}
	relation := map[Verdict]string{
		Better:       "%s beats %s",
		Worse:        "%s loses to %s",
		NoDifference: "no difference shown between %s and %s",
		TooSmall:     "the difference between %s and %s is too small to matter",
		TooFew:       "too few pairs for a verdict on %s against %s",
		TooNoisy:     "the machine was not quiet enough for a verdict on %s against %s",
	}[r.Verdict]
	text := r.Scenario + ": " + fmt.Sprintf(relation, r.Candidate, r.Base) + r.by() + ": " +
		change(r.Ratio, r.Primary)
	if r.CPU.N > 0 && r.Primary != cpuMetric {
		text += ", " + change(r.CPU, cpuMetric)
	}
	for i := range r.Supports {
		if agreement := r.Supports[i].Agreement(r.Verdict); agreement != "" {
			text += "; " + agreement
		}
	}
	return text + fmt.Sprintf("; %d %s.", r.Pairs, plural(r.Pairs, "pair"))
}

const cpuMetric = "server_cpu_us_per_op"

// change is "+27.2% operations per second (+25.7% to +28.3% at 87.5%)".
func change(e stat.Estimate, metric string) string {
	what := map[string]string{
		"ops_per_s": "operations per second", "mb_per_s": "bytes per second",
		cpuMetric: "server CPU per operation", "p50": "median latency", "p99": "p99 latency",
	}[metric]
	text := fmt.Sprintf("%+.1f%% %s", percent(e.Center), what)
	if e.Level > 0 {
		text += fmt.Sprintf(" (%+.1f%% to %+.1f%% at %s)",
			percent(e.Lo), percent(e.Hi), levelText(e.Level))
	}
	return text
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
