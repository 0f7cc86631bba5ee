package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/bench/record"
	"flashstore/bench/report"
)

// light are changes that make legs short: our own generator against the stub, whose figures matter
// to hardly a test.
func light(pairs string) []string {
	var args []string
	for _, set := range []string{"workload.driver=load", "run.trim_head=50ms", "run.trim_tail=50ms",
		"run.duration=400ms", "workload.concurrent=4", "workload.objects=20"} {
		args = append(args, "--set", set)
	}
	return append(args, "--pairs", pairs, "--budget", "1ms") // no retries
}

// unpinned lets the scheduler give the cores to tests that run at the same time: half a dozen
// servers on one core would starve each other.
const unpinned = "--pin=false"

func (p place) lightArgs(command string, more ...string) []string {
	args := []string{command, "../scenarios/get-4k.yaml", "--server", p.server, "--dir", p.dir,
		"--record", p.index, unpinned}
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
	if code != exitOK || !strings.Contains(out.String(), " counts are there") {
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
		code := Main(t.Context(), append(args, "--resume"), &out, &out)
		for _, want := range []string{want, "the same without --resume starts anew"} {
			if code != exitUsage || !strings.Contains(out.String(), want) {
				t.Errorf("code %d, no %q:\n%s", code, want, out.String())
			}
		}
	}
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	outside := *p.lines(t)[0].Session
	outside.ID = "../outside"
	if err := x.Append(record.Line{Session: &outside}); err != nil {
		t.Fatal(err)
	}
	refuses("no ID of a session")
	if _, err := os.Stat(x.Raw(outside.ID)); err == nil {
		t.Error("a folder was made outside of raw")
	}
	server, err := os.ReadFile(p.server)
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, p.server, string(server)+"# another\n")
	refuses("ran another flashstore;")
	if err := x.Append(record.Line{Session: &record.Session{ID: "s", Machine: "other",
		Args: args[1:]}}); err != nil {
		t.Fatal(err)
	}
	refuses("ran on machine other")
	out.Reset()
	if code := Main(t.Context(), args, &out, &out); code != exitOK {
		t.Errorf("without --resume: code %d:\n%s", code, out.String())
	}
}

// Where there is nothing of these arguments a resume starts anew, and says which others could be gone
// on with: not what has ended, is running, or would be refused.
func TestResumeNamesOthers(t *testing.T) {
	p := newPlaceAlone(t, "", "exit 1")
	over, cancel := context.WithCancel(t.Context())
	cancel() // sessions need only begin
	begin := func(ctx context.Context, more ...string) (text string) {
		t.Helper()
		var out bytes.Buffer
		if code := Main(ctx, p.lightArgs("run", more...), &out, &out); code == exitUsage ||
			code != exitOK && ctx != over {
			t.Fatalf("%q: code %d:\n%s", more, code, out.String())
		}
		return out.String()
	}
	begin(over, light("1")...) // ended below
	begin(over, light("3")...)
	begin(over, light("3")...)
	begin(over, light("4")...)
	begin(t.Context(), append(light("1"), "--resume")...)
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	var begun []record.Session
	for _, line := range p.lines(t) {
		if line.Session != nil {
			begun = append(begun, *line.Session)
		}
	}
	if len(begun) != 4 {
		t.Fatalf("%d sessions", len(begun))
	}
	like := func(change func(s *record.Session)) {
		t.Helper()
		s := begun[1]
		s.ID, s.Args = "foreign-"+rand.Text(), []string{"--pairs", rand.Text()}
		change(&s)
		if err := x.Append(record.Line{Session: &s}); err != nil {
			t.Fatal(err)
		}
	}
	like(func(s *record.Session) { s.Machine = "other" })
	like(func(s *record.Session) { s.Purpose = "tune" })
	like(func(s *record.Session) { s.Binaries = map[string]string{"flashbench": "other"} })
	claim, err := x.Claim(begun[3].ID) // it runs
	if err != nil {
		t.Fatal(err)
	}
	text := begin(over, append(light("2"), "--resume")...)
	want := "nothing to resume of these arguments: a new session\n" +
		"session " + begun[2].ID + " of other arguments has not ended; to go on with it: "
	if !strings.Contains(text, want) || strings.Count(text, " of other arguments ") != 1 {
		t.Fatalf("no %q alone in:\n%s", want, text)
	}
	words := p.toType(t, text, " of other arguments has not ended; to go on with it: ")
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if Main(over, words, &out, &out); !strings.Contains(out.String(), "resuming session "+begun[2].ID) {
		t.Errorf("%q:\n%s", words, out.String())
	}
	if text := begin(over, append(light("5"), "--resume")...); strings.Count(text,
		" of other arguments ") != 3 { // what ran before, and what has just begun, too
		t.Errorf("all of them:\n%s", text)
	}
}

// What the file of a peer says is part of the session; how it is said is not.
func TestResumePeer(t *testing.T) {
	p := newPlace(t, "syncs", "exit 1")
	file := p.writePeer(t, "syncs")
	text := readText(t, file)
	args := append([]string{"peer", file}, p.lightArgs("", light("1")...)[1:]...)
	begun, cancel := context.WithCancel(t.Context())
	cancel() // the session need only begin
	var out bytes.Buffer
	if Main(begun, args, &out, &out); !strings.Contains(out.String(), "has not ended") {
		t.Fatal(out.String())
	}
	for name, c := range map[string]struct{ text, want string }{
		"another comment":  {"# again\n" + text, "resuming session"},
		"another variable": {text + "env: [SYNC=true]\n", "ran another peer: "},
		"another argument": {strings.Replace(text, "[server,", "[server, --parity, \"0\",", 1), "ran another peer: "},
		"another setup":    {text + "setup: [[\"true\"]]\n", "ran another peer: "},
		"another file":     {text + "files: {a: b}\n", "ran another peer: "},
		"the same":         {text, "resuming session"},
	} {
		writeProgram(t, file, c.text)
		ctx := t.Context()
		if strings.HasPrefix(c.want, "resuming") {
			ctx = begun
		}
		var out bytes.Buffer
		code := Main(ctx, append(args, "--resume"), &out, &out)
		if (code == exitUsage) != (ctx != begun) || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: code %d, want %q:\n%s", name, code, c.want, out.String())
		}
	}
	if n := p.count(`"leg":`); n > 0 {
		t.Errorf("%d legs were run", n)
	}
}

// Whoever is interrupted sees what there is, and what to type to go on.
func TestInterruptedRun(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for start := time.Now(); p.count(`"pair":1`) == 0 && time.Since(start) < deadline; {
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var out bytes.Buffer
	code := Main(ctx, p.lightArgs("run", light("3")...), &out, &out)
	legs := p.legs(t)
	if code != exitFailure || len(legs) == 0 {
		t.Fatalf("code %d, %d legs:\n%s", code, len(legs), out.String())
	}
	for _, want := range []string{"nethttp → epoll", "Record: " + p.index + ", session " + legs[0].Session,
		"session " + legs[0].Session + " has not ended; to go on with it: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	words := p.toType(t, out.String(), "to go on with it: ")
	words[len(words)-1] += "=true" // as flags may be written
	out.Reset()
	if code := Main(t.Context(), words, &out, &out); code != exitOK ||
		!strings.Contains(out.String(), "resuming session "+legs[0].Session) {
		t.Errorf("%q: code %d:\n%s", words, code, out.String())
	}
	mustBeOnce(t, p.legs(t))
	p.mustBeEmpty(t)
}

// toType are the arguments that a text says to type, behind what comes before them.
func (p place) toType(t *testing.T, text, before string) []string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	line, _, _ := strings.Cut(rest, "\n")
	line, _, _ = strings.Cut(line, "#")
	args, ours := strings.CutPrefix(line, "bin/flashbench ")
	if !found || !ours {
		t.Fatalf("nothing to type behind %q:\n%s", before, text)
	}
	return strings.Fields(args)
}

// What comes next is what can be typed: of a point of a sweep, with the files, the settings and the
// record of before.
func TestNext(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	args := append(p.lightArgs("run", light("1")...), "--set", "workload.objects=300", "--only",
		"concurrency-sweep-c1")
	args[1] = "../scenarios/concurrency-sweep.yaml"
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitOK {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	legs := p.legs(t)
	words := p.toType(t, out.String(), "Next: ")
	for _, want := range []string{args[1], "workload.objects=300", p.index, "concurrency-sweep-c1", "8"} {
		if !slices.Contains(words, want) {
			t.Errorf("no %q in %q", want, words)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel() // it need only begin
	out.Reset()
	if code := Main(over, words, &out, &out); code != exitFailure ||
		!strings.Contains(out.String(), "interrupted") || !strings.Contains(out.String(), "16 legs") {
		t.Errorf("%q: code %d:\n%s", words, code, out.String())
	}
	out.Reset()
	x, err := record.Open(p.index)
	if err != nil {
		t.Fatal(err)
	}
	sure := next([]report.Row{{Verdict: report.Better, Pairs: 6}}, typed{},
		&session{index: x, id: legs[0].Session})
	words = p.toType(t, "Next: "+sure, "Next: ")
	if code := Main(t.Context(), words, &out, &out); code != exitOK ||
		!strings.Contains(out.String(), "session "+legs[0].Session) {
		t.Errorf("%q: code %d:\n%s", words, code, out.String())
	}
}

// A session that is still running is nobody else's, and whoever begins another one beside it is told
// that both measure a busy machine.
func TestLiveSession(t *testing.T) {
	p := newPlaceAlone(t, "", "exit 1")
	args := p.lightArgs("run", light("1")...)
	live, err := openSession(options{server: p.server, withoutWarp: true, dir: p.dir, index: p.index,
		args: args[1:]}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := Main(t.Context(), append(args, "--resume"), &out, &out)
	for _, want := range []string{"--resume: session " + live.id + ": still running",
		"another flashbench measures on this machine"} {
		if code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("code %d, no %q:\n%s", code, want, out.String())
		}
	}
	if err := live.close(); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := Main(t.Context(), append(args, "--resume"), &out, &out); code != exitOK ||
		!strings.Contains(out.String(), "resuming session "+live.id) {
		t.Errorf("when it is gone: code %d:\n%s", code, out.String())
	}
}

// count is how often text stands in the record.
func (p place) count(text string) int {
	record, _ := os.ReadFile(p.index)
	return bytes.Count(record, []byte(text))
}
