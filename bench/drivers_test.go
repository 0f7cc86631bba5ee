package bench

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"flashstore/bench/record"
)

// Both drivers see the same server alike: 8 in flight, each answered after 25 ms, so 320 a second
// whatever the machine does, unless it stalls.
func TestDriversAgree(t *testing.T) {
	warp, err := filepath.Abs("../bin/warp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(warp); err != nil {
		t.Skip("bin/warp is not built: make warp")
	}
	p := newPlaceAlone(t, "", "exit 1")
	p.warp = warp
	script := "#!/bin/sh\nSTUB_DELAY=25ms exec " + os.Getenv("STUB") + ` "$@"` + "\n"
	if err := os.WriteFile(p.server, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
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
