package bench

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"flashstore/bench/record"
)

// light are changes that make legs short: our own generator against the stub.
func light(pairs string) []string {
	var args []string
	for _, set := range []string{"workload.driver=load", "run.trim_head=50ms", "run.trim_tail=50ms",
		"run.duration=500ms", "workload.concurrent=4", "workload.objects=20"} {
		args = append(args, "--set", set)
	}
	return append(args, "--pairs", pairs, "--budget", "1ms") // no retries
}

func (p place) lightArgs(command string, more ...string) []string {
	args := []string{command, "../scenarios/get-4k.yaml", "--server", p.server, "--dir", p.dir,
		"--record", p.index}
	return append(args, more...)
}

// Killed after some pairs, a run goes on with the same session, and with the pairs that are missing.
func TestResume(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := p.lightArgs("run", light("3")...)
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "BENCH_TEST_MAIN="+strings.Join(args, " "))
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); p.count(`"pair":1`) < 2 && time.Since(start) < deadline; {
		time.Sleep(5 * time.Millisecond)
	}
	harness.Process.Kill()
	harness.Wait()
	before := len(p.legs(t))
	if before == 0 {
		t.Fatal("killed before anything was recorded")
	}
	var out bytes.Buffer
	code := Main(t.Context(), append(args, "--resume"), &out, &out)
	if code != exitOK || !strings.Contains(out.String(), "legs are there") {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	type key struct {
		pair int
		side string
	}
	final, session := map[key]int{}, ""
	for i, leg := range p.legs(t) {
		if session == "" {
			session = leg.Session
		}
		if leg.Session != session {
			t.Errorf("leg %d is of session %s, not %s", i, leg.Session, session)
		}
		if leg.Outcome == record.OK {
			final[key{leg.Pair, leg.Side}]++
		}
	}
	if len(final) != 6 {
		t.Errorf("legs: %v", final)
	}
	for k, n := range final {
		if n != 1 {
			t.Errorf("%d legs of %v", n, k)
		}
	}
	// Once it has ended there is nothing to resume.
	out.Reset()
	Main(t.Context(), p.lightArgs("run", append(light("1"), "--resume")...), &out, &out)
	if !strings.Contains(out.String(), "nothing to resume") {
		t.Errorf("a session that had ended:\n%s", out.String())
	}
	p.mustBeEmpty(t)
}

// Another server than before: its legs do not belong to the session.
func TestResumeRefusesOtherBinary(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	args := p.lightArgs("run", light("1")...)
	for machine, want := range map[string]string{"other": "ran on machine other"} {
		head := record.Session{ID: "s-" + machine, Machine: machine, Args: args[1:]}
		if err := x.Append(record.Line{Session: &head}); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if code := Main(t.Context(), append(args, "--resume"), &out, &out); code != exitUsage ||
			!strings.Contains(out.String(), want) {
			t.Errorf("code %d, no %q:\n%s", code, want, out.String())
		}
	}
}

// count is how often text stands in the record.
func (p place) count(text string) int {
	record, _ := os.ReadFile(p.index)
	return bytes.Count(record, []byte(text))
}
