package bench

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/benchtest"
	"flashstore/bench/record"
)

var driversFlag = flag.Bool("bench.drivers", false, "compare warp with the light generator, which "+
	"takes half a minute of a quiet machine: make drivers")

// Both drivers see the same server alike: 8 in flight, each answered after 25 ms, so 320 a second
// whatever the machine does, unless it stalls.
func TestDriversAgree(t *testing.T) {
	if !*driversFlag {
		t.Skip("it wants a quiet machine: make drivers, of make ci-long")
	}
	warp := realWarp(t)
	p := newPlaceAlone(t, "", "exit 1")
	p.warp = warp
	script := "#!/bin/sh\nSTUB_DELAY=25ms exec " + os.Getenv("STUB") + ` "$@"` + "\n"
	writeProgram(t, p.server, script)
	const agree = 0.05
	apart := map[string]float64{}
	for range 3 { // a machine that stalls once is no difference between drivers
		figures := map[string]map[string]float64{}
		for _, driver := range []string{"warp", "load"} {
			var out bytes.Buffer
			args := p.args("--set", "workload.concurrent=8", "--set", "workload.driver="+driver,
				"--budget", "1ms")
			if driver == "load" { // which needs no long run
				args = append(args, "--set", "run.duration=1500ms", "--set", "run.trim_head=300ms",
					"--set", "run.trim_tail=200ms")
			}
			code := Main(t.Context(), args, &out, &out)
			legs := p.legs(t)
			last := legs[len(legs)-1]
			if code != exitOK || last.Outcome != record.OK {
				t.Logf("driver %s, code %d:\n%s", driver, code, out.String())
				continue
			}
			figures[driver] = last.Metrics
		}
		agreed := len(figures) == 2
		for _, metric := range []string{"ops_per_s", "p50"} {
			apart[metric] = math.Log(figures["warp"][metric] / figures["load"][metric])
			agreed = agreed && math.Abs(apart[metric]) < agree
		}
		if agreed {
			return
		}
	}
	t.Errorf("ln(warp/load) of %v, want within %.2f", apart, agree)
}

// realWarp is the pinned load generator.
func realWarp(t *testing.T) string {
	t.Helper()
	warp, err := filepath.Abs("../bin/warp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(warp); err != nil {
		benchtest.Lacks(t, "bin/warp is not built: make warp")
	}
	return warp
}

// warp's client tries what failed with 500 again, up to ten times, and records a slow success. The
// server's own account says what really happened.
func TestErrorsThatTheClientHides(t *testing.T) {
	warp := realWarp(t)
	p := newPlace(t, "fails-load", "exit 1")
	p.warp = warp
	code, text := p.run(t, t.Context())
	if code != exitInvalid || !strings.Contains(text, "requests with a status of 5xx") {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, leg := range p.legs(t) {
		if leg.Outcome == record.OK {
			t.Errorf("a leg with errors counts: %+v", leg)
		}
	}
}
