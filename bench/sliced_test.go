package bench

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"flashstore/bench/record"
)

// sliced is light in slices, six of each leg: long enough for a server that has to wait for a core.
func sliced(pairs string) []string {
	return append(light(pairs), "--set", "run.design=sliced", "--set", "run.slice=200ms",
		"--set", "run.trim_head=10ms", "--set", "run.trim_tail=10ms", "--set", "run.duration=1200ms")
}

// The servers of a sliced pair both live; the gate's rules are the same.
func TestSlicedGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]gateCase{
		"half as fast":  {"STUB_DELAY=4ms", "STUB_DELAY=9ms", []int{exitFailure, exitInconclusive, exitInvalid}, ""},
		"twice as fast": {"STUB_DELAY=9ms", "STUB_DELAY=4ms", []int{exitOK, exitInconclusive, exitInvalid}, ""},
		"errors":        {"STUB_DELAY=4ms", "STUB_DELAY=2ms STUB_FAULT=fails-load", []int{exitInvalid}, "status 500"},
		"another later": {"STUB_DELAY=4ms STUB_FAULT=falls-back-later", "STUB_DELAY=4ms", []int{exitInvalid}, "active is other"},
		"restless":      {"STUB_DELAY=4ms", "STUB_DELAY=4ms STUB_FAULT=restless", []int{exitInvalid}, "while it was asked for nothing"},
		// Not in a preload, after which it is to come to rest.
		"restless child": {"STUB_DELAY=4ms", `if [ -e "$0.ran" ]; then (while :; do :; done) & fi; : >"$0.ran"; STUB_DELAY=4ms`,
			[]int{exitInvalid}, "while it was asked for nothing"},
		"does not run": {"STUB_DELAY=4ms", "exit 3;", []int{exitInvalid}, "not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.run(t, sliced("3")...)
			for _, leg := range p.legs(t) {
				good := leg.Outcome == record.OK ||
					leg.Outcome == record.Discarded && leg.Reason != errOther.Error()
				if good != (leg.Metrics != nil) || good && leg.Operations == 0 {
					t.Errorf("%s leg with figures %v, %d operations", leg.Outcome, leg.Metrics, leg.Operations)
				}
				if c.want != "" && leg.Outcome == record.OK {
					t.Errorf("a leg counts whose pair failed: %+v", leg)
				}
			}
		})
	}
}

// What an INVALID gate and its page advise measures a server that is restless, of the shipped
// scenario.
func TestSlicedAdvice(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := append(p.gateBetween(t, "../scenarios/get-4k-sliced.yaml", "STUB_DELAY=4ms",
		"STUB_FAULT=restless"), "--set", "workload.objects=20", "--set", "run.duration=2s",
		"--pairs", "1", "--budget", "1ms")
	var out bytes.Buffer
	code := Main(t.Context(), args, &out, &out)
	advice := regexp.MustCompile(`--set [a-z_.]+=[a-z]+`).FindString(out.String())
	if code != exitInvalid || advice == "" {
		t.Fatalf("code %d, no advice:\n%s", code, out.String())
	}
	page, err := os.ReadFile("../docs/gate.md")
	if err != nil || !bytes.Contains(page, []byte(advice)) {
		t.Errorf("the page does not advise %q, error %v", advice, err)
	}
	before := len(p.legs(t))
	out.Reset()
	code = Main(t.Context(), append(args, strings.Fields(advice)...), &out, &out)
	legs := p.legs(t)[before:]
	if code == exitUsage || len(legs) != 2 || legs[0].Outcome != record.OK ||
		legs[1].Outcome != record.OK {
		t.Errorf("%s: code %d, legs %+v:\n%s", advice, code, legs, out.String())
	}
}

// Both sides of a sliced pair are asked alike often, of the same window.
func TestSlicedCompare(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	var out bytes.Buffer
	args := append(p.gateArgs(t, "STUB_DELAY=2ms", "STUB_DELAY=8ms"), sliced("2")...)
	Main(t.Context(), args, &out, &out)
	rates := map[string]float64{}
	for _, leg := range p.legs(t) {
		if leg.Outcome == record.OK {
			// Four connections, six windows of 180 ms.
			rates[leg.Side] = leg.Metrics["ops_per_s"]
			if got := float64(leg.Operations) / 1.08; got/leg.Metrics["ops_per_s"] > 1.001 ||
				got/leg.Metrics["ops_per_s"] < 0.999 {
				t.Errorf("%d operations at %.0f/s", leg.Operations, leg.Metrics["ops_per_s"])
			}
			if max := 4 / map[string]float64{"base": 0.002, "candidate": 0.008}[leg.Side]; leg.
				Metrics["ops_per_s"] > max {
				t.Errorf("%s: %.0f/s, faster than its delay allows, %.0f/s", leg.Side, rates[leg.Side], max)
			}
		}
	}
	if len(rates) != 2 {
		t.Skipf("the machine stalled in each pair:\n%s", out.String())
	}
	if rates["base"] < 1.5*rates["candidate"] {
		t.Errorf("a delay of 2 ms gives %.0f/s, one of 8 ms %.0f/s:\n%s", rates["base"],
			rates["candidate"], out.String())
	}
}
