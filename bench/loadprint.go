package bench

import (
	"encoding/json"
	"fmt"
	"io"

	"flashstore/bench/load"
	"flashstore/bench/report"
)

// print writes the result for people, or as JSON.
func (o *loadOptions) print(out io.Writer, r *load.Result) error {
	if o.json {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	}
	cells := [][]string{
		{"operations", "per s", "MB/s", "mean µs", "p50", "p90", "p99", "p99.9", "max"},
	}
	line := []string{fmt.Sprint(r.Operations), report.Number(r.PerSecond),
		report.Number(float64(r.Bytes) / r.Seconds / 1e6)}
	l := r.Latency
	for _, v := range []float64{l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
		line = append(line, report.Number(v))
	}
	report.Columns(out, append(cells, line))
	if r.Rate > 0 {
		fmt.Fprintf(out, "latency counts from when a request was due; the generator itself was late "+
			"by %s µs (p99.9); %s answers a second came while it ran\n", report.Number(r.Late.P999),
			report.Number(r.Goodput))
	}
	if text := r.ErrorText(); text != "" {
		fmt.Fprintln(out, "errors: "+text)
	}
	return nil
}
