package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/bench/benchtest"
	"flashstore/bench/gate"
	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/stat"
)

var driversFlag = flag.Bool("bench.drivers", false, "compare warp with the light generator, which "+
	"takes some minutes of a quiet machine: make drivers")

// driversAgree is how far apart two drivers of the same load may be: 5% of what either says.
const driversAgree = 0.05

// driverCase is a load that both drivers put on a server, closed loop, and the figures that they
// must agree in. The others are only said: what a request costs a stub is mostly its headers, which
// are the driver's own, and where the server is the limit it decides which connection waits, so that
// the same throughput comes with another median of latencies.
type driverCase struct {
	file, server string
	set          []string
	compared     []string
	limit        bool // the server's CPU is, and not the client's; then only quiet rounds count
	rounds       int
}

// Both drivers see the same server alike. The stub answers after 25 ms, so with 8 in flight 320
// times a second whatever the machine does, unless it stalls; the real one as fast as it can, which
// with a drive lost and without SIMD is slower than either client.
func TestDriversAgree(t *testing.T) {
	if !*driversFlag {
		t.Skip("it wants a quiet machine: make drivers, of make ci-long")
	}
	stub := "STUB_DELAY=25ms exec " + os.Getenv("STUB")
	eight := []string{"workload.concurrent=8"}
	rates := []string{"ops_per_s", "mb_per_s"}
	for name, c := range map[string]driverCase{
		"GET 4 KiB of the stub": {"../scenarios/get-4k.yaml", stub, append(eight, "workload.objects=20"),
			append(rates, "p50"), false, 3},
		"PUT 64 KiB to the stub": {"../scenarios/put-4k.yaml", stub, append(eight, "workload.obj_size=64KiB"),
			append(rates, "p50"), false, 3},
		"GET 1 MiB of a real server": {"../scenarios/degraded-get-simd.yaml", "exec " + realServer(t),
			[]string{"simd=scalar,ssse3"}, append(rates, "server_cpu_us_per_op"), true, 10},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// run puts the load on the server in rounds, a leg of each driver.
func (c *driverCase) run(t *testing.T) {
	p := newPlaceAlone(t, "", "exit 1")
	p.warp = realWarp(t)
	writeProgram(t, p.server, "#!/bin/sh\n"+c.server+` "$@"`+"\n")
	var said bytes.Buffer
	s, err := openSession(options{server: p.server, warp: p.warp, dir: p.dir, index: p.index,
		pin: true}, &said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	s.legsPlanned = 2 * c.rounds
	byWarp, byLoad := c.comparison(t, s, "warp", "5s"), c.comparison(t, s, "load", "4s")
	if reason, err := byWarp.prepare(t.Context()); err != nil || reason != "" {
		t.Fatalf("%v, %s\n%s", err, reason, said.String())
	}
	byLoad.data = byWarp.data // the same objects
	var of [2][]map[string]float64
	noisy := 0
	for i, order := range pair.Order(c.rounds, 1) {
		legs, quiet := c.round(t, [2]*comparison{byWarp, byLoad}, order, i+1)
		if !quiet && c.limit {
			noisy++
			continue
		}
		for driver, leg := range legs {
			of[driver] = append(of[driver], leg.Metrics)
		}
	}
	if quiet := c.rounds - noisy; quiet < gate.PairsMin {
		t.Fatalf("the machine was not quiet: %d of %d rounds count\n%s", quiet, c.rounds, said.String())
	}
	c.judge(t, of[0], of[1])
}

// round is a pair of legs as any other, but that its sides are the drivers. It is run again, and may
// be noisy, as any pair.
func (c *driverCase) round(
	t *testing.T, drivers [2]*comparison, order [2]pair.Side, number int,
) (legs [2]record.Leg, quiet bool) {
	t.Helper()
	r, err := pair.Run(t.Context(), order, pair.Steps[host.Calibration, record.Leg]{
		Machine: drivers[0].machine(number),
		Leg: func(ctx context.Context, side pair.Side, position, attempt int,
			_ host.Calibration) (record.Leg, error) {
			return drivers[side].leg(ctx, pair.Base, drivers[side].newLeg(pair.Base, number, attempt))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, leg := range r.Legs {
		if leg.Outcome != record.OK {
			t.Fatalf("%s: %s", leg.Outcome, leg.Reason)
		}
	}
	return r.Legs, !r.Noisy && math.Abs(r.Legs[0].OtherCPU-r.Legs[1].OtherCPU) <= othersMax
}

// comparison is the scenario of the case with a driver. Its base alone is measured.
func (c *driverCase) comparison(t *testing.T, s *session, driver, duration string) *comparison {
	t.Helper()
	chosen := newChoice(flag.NewFlagSet("run", flag.ContinueOnError))
	chosen.set.values = append([]string{"workload.driver=" + driver, "run.duration=" + duration,
		"run.trim_head=1s", "run.trim_tail=500ms"}, c.set...)
	scenarios, err := chosen.load([]string{c.file})
	if err != nil || len(scenarios) != 1 {
		t.Fatalf("%d scenarios, error %v", len(scenarios), err)
	}
	m, err := s.newComparison(scenarios[0], s.contenders(scenarios[0].Comparisons()[0]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// judge prints the figures of both drivers, and compares the middle of what they differ by in a
// round: a machine that stalls once is no difference between drivers.
func (c *driverCase) judge(t *testing.T, warp, light []map[string]float64) {
	t.Helper()
	middle := func(of []map[string]float64, metric string) float64 {
		var all []float64
		for _, metrics := range of {
			all = append(all, metrics[metric])
		}
		return stat.Median(all)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "medians of %d rounds, and the median of the differences\n", len(warp))
	for _, metric := range []string{"ops_per_s", "mb_per_s", "p50", "p99", "server_cpu_us_per_op",
		"client_cpu_us_per_op"} {
		var apart []float64
		for i := range warp {
			apart = append(apart, math.Log(warp[i][metric]/light[i][metric]))
		}
		off, compared := stat.Median(apart), slices.Contains(c.compared, metric)
		fmt.Fprintf(&text, "%-22s warp %10.1f   load %10.1f   %+6.2f%%%s\n", metric,
			middle(warp, metric), middle(light, metric), 100*math.Expm1(off),
			map[bool]string{true: "", false: "   not compared"}[compared])
		if compared && !(math.Abs(off) < driversAgree) {
			t.Errorf("%s: ln(warp/load) is %.3f, want within %.2f", metric, off, driversAgree)
		}
	}
	for driver, of := range map[string][]map[string]float64{"warp": warp, "load": light} {
		server, client := middle(of, "server_cpu_us_per_op"), middle(of, "client_cpu_us_per_op")
		if c.limit && client/(client+server) > gate.ClientShareMax {
			t.Errorf("%s took %.0f µs of CPU and the server %.0f: the client was the limit", driver, client,
				server)
		}
	}
	t.Log(text.String())
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
