package bench

import (
	"bytes"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// An open loop of writes is one: half of a peak, which is found on fresh drives, is asked for in
// each leg.
func TestOpenLoopOfWrites(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := append(p.lightArgs("run", light("1")...), "--set", "workload.objects=0",
		"--set", "workload.rate=50%", "--set", "metrics.primary=p99", "--set", "run.duration=1s")
	args[1] = "../scenarios/put-4k.yaml"
	var out bytes.Buffer
	Main(t.Context(), args, &out, &out)
	legs := p.legs(t)
	if len(legs) < 2 || strings.Count(out.String(), "the base's peak is ") != 1 {
		t.Fatalf("%d legs:\n%s", len(legs), out.String())
	}
	for _, leg := range legs {
		// Four connections, each of whose answers takes 2 ms or more.
		if leg.Rate <= 0 || leg.Rate > 1000 || leg.Rate != legs[0].Rate {
			t.Errorf("asked for %.0f/s, in the first leg for %.0f/s", leg.Rate, legs[0].Rate)
		}
		// A load that is late, as beside other tests, makes up for it.
		if got := leg.Metrics["ops_per_s"]; leg.Outcome == record.OK && got > 1.5*leg.Rate {
			t.Errorf("%.0f/s, asked for were %.0f/s", got, leg.Rate)
		}
	}
	p.mustBeEmpty(t)
}
