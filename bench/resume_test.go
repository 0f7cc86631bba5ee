package bench

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

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
	p.killed(t, args, `"pair":1`)
	before := p.legs(t)
	var out bytes.Buffer
	code := Main(t.Context(), append(args, "--resume"), &out, &out)
	if code != exitOK || !strings.Contains(out.String(), "legs are there") {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	legs := p.legs(t)
	mustBeOnce(t, legs)
	if good := slices.DeleteFunc(slices.Clone(legs), func(leg record.Leg) bool {
		return leg.Outcome != record.OK
	}); len(good) != 6 || !reflect.DeepEqual(legs[:len(before)], before) {
		t.Errorf("%d good legs, want 6 after %d:\n%+v", len(good), len(before), legs)
	}
	// Once it has ended there is nothing to resume.
	out.Reset()
	Main(t.Context(), p.lightArgs("run", append(light("1"), "--resume")...), &out, &out)
	if !strings.Contains(out.String(), "nothing to resume") {
		t.Errorf("a session that had ended:\n%s", out.String())
	}
	p.mustBeEmpty(t)
}

// On another machine, or with another server than before, legs do not belong to the session.
func TestResumeRefuses(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := p.lightArgs("run", light("1")...)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitOK {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	p.forget(t)
	refuses := func(want string) {
		t.Helper()
		var out bytes.Buffer
		if code := Main(t.Context(), append(args, "--resume"), &out, &out); code != exitUsage ||
			!strings.Contains(out.String(), want) {
			t.Errorf("code %d, no %q:\n%s", code, want, out.String())
		}
	}
	server, err := os.ReadFile(p.server)
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, p.server, string(server)+"# another\n")
	refuses("ran other binaries")
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Append(record.Line{Session: &record.Session{ID: "s", Machine: "other",
		Args: args[1:]}}); err != nil {
		t.Fatal(err)
	}
	refuses("ran on machine other")
}

// count is how often text stands in the record.
func (p place) count(text string) int {
	record, _ := os.ReadFile(p.index)
	return bytes.Count(record, []byte(text))
}
