package bench

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/record"
)

// Programs that burn every core of the server, on one side only: whatever the figures are, they
// decide nothing.
func TestGateUnderLoadOnOneSide(t *testing.T) {
	mustHave(t, "setsid")
	const server = "STUB_DELAY=4ms"
	// Of its process group they would be the server's own work. They end with it.
	burning := strings.Repeat(`setsid sh -c "while kill -0 $$; do :; done" 2>/dev/null & `,
		host.Cores()) + server
	for name, sides := range map[string][2]string{
		"base": {burning, server}, "candidate": {server, burning},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlaceAlone(t, "", "exit 1")
			var out bytes.Buffer
			code := Main(t.Context(), p.gateArgs(t, sides[0], sides[1], "--pin"), &out, &out)
			if code != exitInvalid && (code != exitInconclusive ||
				!strings.Contains(out.String(), "the machine was not quiet")) {
				t.Errorf("code %d:\n%s", code, out.String())
			}
			p.mustBeEmpty(t)
			awaitNoProcess(t, filepath.Dir(p.dir))
		})
	}
}

var plantedFlag = flag.Bool("bench.planted", false, "plant a fifth of CPU time into gates of whole "+
	"size, up to 25 minutes: wants a quiet machine")

// A server that needs much more CPU is found out against the same program without that, and the
// other way round it is an improvement, which never fails.
func TestGateFindsPlantedRegression(t *testing.T) {
	server := filepath.Join(t.TempDir(), "flashstore-planted")
	buildServer(t, server, "-tags", "planted")
	burn, budgets := "burn=40%", [2]string{"35s", "20s"}
	size := append([]string{"../scenarios/get-4k.yaml", "--set", "run.confirm_pairs=5"},
		sliced("4")...) // of which one may be noisy
	// A tick of CPU time is 10 ms: in slices of 100 ms rounding alone looks like load of others.
	size = append(size, "--set", "run.duration=1600ms", "--set", "run.slice=400ms")
	if *plantedFlag {
		burn, budgets = "burn=20%", [2]string{"15m", "10m"}
		size = []string{"../scenarios/get-4k-sliced.yaml"}
	}
	slow := filepath.Join(t.TempDir(), "slow")
	writeProgram(t, slow, "#!/bin/sh\nFLASHPLANTED="+burn+" exec "+server+` "$@"`+"\n")
	for name, c := range map[string]struct {
		base, candidate string
		want, never     int
		tries           int    // of a verdict that a busy machine may not come to
		budget          string // for pairs that drifted, which else would cost the whole gate
	}{
		"regression":  {server, slow, exitFailure, exitOK, 2, budgets[0]},
		"improvement": {slow, server, exitOK, exitFailure, 1, budgets[1]},
	} {
		t.Run(name, func(t *testing.T) {
			for range c.tries {
				p := newPlaceAlone(t, "", "exit 1")
				args := append(append([]string{"gate"}, size...), "--dir", p.dir, "--record", p.index,
					"--base", c.base, "--candidate", c.candidate, "--counts=false", "--budget", c.budget)
				var out bytes.Buffer
				code := Main(t.Context(), args, &out, &out)
				if code == c.want {
					return
				}
				t.Log(out.String())
				// What is planted wakes up while nobody asks, which is INVALID once it takes 2% of a core.
				restless := code == exitInvalid && strings.Contains(out.String(), "asked for nothing")
				if code == c.never || *plantedFlag || code != exitInconclusive && !restless {
					t.Fatalf("code %d, want %d", code, c.want)
				}
			}
			t.Skip("the machine was not quiet enough; TestGateOfRecord decides without a machine, " +
				"and make planted does with legs of whole size")
		})
	}
}

// Killed in the middle, a gate keeps what it has measured, runs the rest, and decides; from the same
// record it decides the same again.
func TestGateKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base, candidate string
		never           int
	}{
		"improvement": {"STUB_DELAY=9ms", "STUB_DELAY=3ms", exitFailure},
		"regression":  {"STUB_DELAY=3ms", "STUB_DELAY=9ms", exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			args := p.gateArgs(t, c.base, c.candidate)
			p.killed(t, args, `"pair":2`)
			before := p.legs(t)
			resume := append(args, "--resume")
			var first, second bytes.Buffer
			code := Main(t.Context(), resume, &first, &first)
			legs := p.legs(t)
			if code == c.never || len(legs) <= len(before) ||
				!reflect.DeepEqual(legs[:len(before)], before) {
				t.Errorf("code %d, %d legs before and %d after:\n%s", code, len(before), len(legs),
					first.String())
			}
			mustBeOnce(t, legs)
			p.forget(t)
			again := Main(t.Context(), resume, &second, &second)
			if again != code || len(p.legs(t)) != len(legs) ||
				lastLine(first.String()) != lastLine(second.String()) {
				t.Errorf("code %d, then %d; %d legs, then %d:\n%s\n%s", code, again, len(legs),
					len(p.legs(t)), first.String(), second.String())
			}
			p.mustBeEmpty(t)
		})
	}
}

// killed starts a harness and kills it once text stands in its record.
func (p place) killed(t *testing.T, args []string, text string) {
	t.Helper()
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "BENCH_TEST_MAIN="+strings.Join(args, " "))
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); p.count(text) == 0 && time.Since(start) < deadline; {
		time.Sleep(5 * time.Millisecond)
	}
	harness.Process.Kill()
	harness.Wait()
	awaitNoProcess(t, filepath.Dir(p.dir))
	if p.count(text) == 0 {
		t.Fatal("nothing was recorded before it was killed")
	}
}

// forget takes out of the record that a session has ended, and what it decided: so it is as if it had
// been killed right before.
func (p place) forget(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(p.index)
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`"end":{`)) && !bytes.Contains(line, []byte(`"verdict":{`)) {
			kept = append(kept, line...)
		}
	}
	if err := os.WriteFile(p.index, kept, 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustBeOnce: all legs are of one session, and each side of a pair counts once.
func mustBeOnce(t *testing.T, legs []record.Leg) {
	t.Helper()
	type key struct {
		pair int
		side string
	}
	seen := map[key]int{}
	for i, leg := range legs {
		if leg.Session != legs[0].Session {
			t.Errorf("leg %d is of session %s, not %s", i, leg.Session, legs[0].Session)
		}
		if leg.Outcome == record.OK {
			seen[key{leg.Pair, leg.Side}]++
		}
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%d legs of %v", n, k)
		}
	}
}
