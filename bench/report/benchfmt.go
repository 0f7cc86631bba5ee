package report

import (
	"fmt"
	"io"
	"strings"

	"flashstore/bench/record"
)

// Benchfmt writes legs that count in Go's benchmark format, one line each; what differs between the
// sides is a key of the name, so that benchstat -col /side compares them.
func Benchfmt(w io.Writer, legs []record.Leg) error {
	units := []struct {
		metric, unit string
		scale        float64
	}{
		{"mb_per_s", "MB/s", 1}, {"ops_per_s", "ops/s", 1},
		{"server_cpu_us_per_op", "server-cpu-ns/op", 1e3},
		{"p50", "p50-ns", 1e3}, {"p99", "p99-ns", 1e3}, {"rss_mb", "rss-bytes", 1 << 20},
	}
	if _, err := fmt.Fprint(w, "unit ops/s better=higher\nunit MB/s better=higher\n"); err != nil {
		return err
	}
	for _, leg := range legs {
		if leg.Outcome != record.OK || !(leg.Metrics["ops_per_s"] > 0) {
			continue
		}
		label := leg.Base
		if leg.Side == "candidate" {
			label = leg.Candidate
		}
		line := fmt.Sprintf("Benchmark%s/side=%s \t%d\t%.0f ns/op", benchName(leg.Scenario),
			strings.ReplaceAll(label, " ", "_"), max(1, leg.Operations), 1e9/leg.Metrics["ops_per_s"])
		for _, u := range units {
			if v, ok := leg.Metrics[u.metric]; ok {
				line += fmt.Sprintf("\t%.6g %s", v*u.scale, u.unit)
			}
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// benchName makes "Get4k" of "get-4k": names begin with an upper case letter.
func benchName(scenario string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(scenario, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
