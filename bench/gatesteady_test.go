package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"flashstore/bench/host"
)

// steady is the gauge of a machine that does nothing but what it is asked to, and of what a test
// lets happen to it.
type steady struct {
	moves  float64 // share by which every second calibration takes longer
	others float64 // share of the machine that other programs take in every second window

	calibrations, windows int
}

func (g *steady) calibrate(string, time.Duration) (host.Calibration, error) {
	c := host.Calibration{Hash: 200 * time.Millisecond, Sync: time.Millisecond}
	if g.calibrations++; g.calibrations%2 == 0 {
		c.Hash += time.Duration(g.moves * float64(c.Hash))
	}
	return c, nil
}

// window is what both processes have really used, on a machine where nobody else did.
func (g *steady) window(samples []host.Sample, from, to time.Time) (host.Window, bool) {
	w, ok := host.Between(samples, from, to)
	w.Busy, w.Kernel, w.Stolen = w.Server+w.Client, 0, 0
	if g.windows++; g.windows%2 == 0 {
		w.Busy += time.Duration(g.others * float64(w.Time) * float64(host.Cores()))
	}
	return w, ok
}

// gateOn runs a gate on a machine with this gauge.
func (p place) gateOn(t *testing.T, g gauge, args []string) (code int, text string) {
	t.Helper()
	var out bytes.Buffer
	o, scenarios, err := parseGate(args[1:], &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	o.gauge = g
	if err := asVerdict(o.run(t.Context(), scenarios, &out, &out)); err != nil {
		return exitCode(err), out.String()
	}
	return exitOK, out.String()
}

// decideTries are for a machine that is overloaded, so that a stub is hundredths of a second late: it
// may then not be seen to be as fast as itself. A wrong verdict is never tried again, and one that no
// gate comes to fails each time.
const decideTries = 3

// On a machine that is quiet a gate decides, and on one that is not it does not, whatever the
// servers are: no other answer will do. Servers wait for so long that how busy this machine really
// is hardly shows in the median of their latencies, which is judged: a fifth of requests fewer.
func TestGateDecides(t *testing.T) { // alone: not beside tests that use all there is
	const fast, slow = "STUB_DELAY=200ms", "STUB_DELAY=250ms"
	const noisy = "the machine was not quiet: 0 of 3 pairs count"
	legs := append(light("3"), "--set", "run.duration=700ms", "--set", "workload.concurrent=16")
	inSlices := append(sliced("3"), "--set", "run.slice=500ms", "--set", "run.duration=1s",
		"--set", "workload.concurrent=16")
	for name, c := range map[string]struct {
		base, candidate string
		gauge           steady
		design          []string
		code            int
		want            string
	}{
		"the same":            {fast, fast, steady{}, legs, exitOK, "verdict: PASS"},
		"the same, in slices": {fast, fast, steady{}, inSlices, exitOK, "verdict: PASS"},
		"faster":              {slow, fast, steady{}, legs, exitOK, "verdict: PASS"},
		"slower":              {fast, slow, steady{}, legs, exitFailure, "in both stages"},
		"slower, in slices":   {fast, slow, steady{}, inSlices, exitFailure, "in both stages"},
		// Within the bounds of a quiet pair, and beyond one of them.
		"slower, and hardly noisy": {fast, slow, steady{moves: 0.04, others: 0.02}, legs, exitFailure,
			"in both stages"},
		"the calibrator moves": {fast, slow, steady{moves: 0.2}, legs, exitInconclusive, noisy},
		"it moves, in slices":  {fast, slow, steady{moves: 0.2}, inSlices, exitInconclusive, noisy},
		"others beside one":    {fast, slow, steady{others: 0.03}, legs, exitInconclusive, noisy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for try := 1; ; try++ {
				p, g := newPlaceAlone(t, "", "exit 1"), c.gauge
				args := append(p.gateArgs(t, c.base, c.candidate, c.design...), "--set", "run.confirm_pairs=4",
					"--set", "metrics.primary=p50", "--set", "gate.min_effect=10%")
				code, text := p.gateOn(t, &g, args)
				p.mustBeEmpty(t)
				if code == c.code && strings.Contains(text, c.want) {
					return
				}
				t.Logf("code %d, want %d with %q:\n%s", code, c.code, c.want, text)
				if code == exitOK || code == exitFailure || try == decideTries {
					t.Fatalf("code %d at try %d", code, try)
				}
			}
		})
	}
}
