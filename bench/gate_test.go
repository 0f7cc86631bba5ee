package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gateArgs is a gate between two variants of the stub, of short legs.
func (p place) gateArgs(t *testing.T, base, candidate string, more ...string) []string {
	t.Helper()
	args := append(p.gateBetween(t, "../scenarios/get-4k.yaml", base, candidate), light("3")...)
	return append(args, more...)
}

// gateBetween is a gate between two variants of the stub: what is set before the program's name.
func (p place) gateBetween(t *testing.T, file, base, candidate string) []string {
	t.Helper()
	dir := filepath.Dir(p.server)
	for name, env := range map[string]string{"base": base, "candidate": candidate} {
		text := "#!/bin/sh\n" + env + " exec " + os.Getenv("STUB") + ` "$@"` + "\n"
		writeProgram(t, filepath.Join(dir, name), text)
	}
	return []string{"gate", file, "--dir", p.dir, "--record", p.index,
		"--base", filepath.Join(dir, "base"), "--candidate", filepath.Join(dir, "candidate"),
		"--set", "run.confirm_pairs=3", "--counts=false", unpinned}
}

// gateCase is a gate between two variants of the stub, the exit codes that it may end with, and
// what it is to say.
type gateCase struct {
	base, candidate string
	may             []int
	want            string
}

// run runs the case, with further flags, and returns where its record is.
func (c gateCase) run(t *testing.T, flags ...string) place {
	t.Helper()
	p := newPlace(t, "", "exit 1")
	var out bytes.Buffer
	args := p.gateArgs(t, c.base, c.candidate, flags...)
	code := Main(t.Context(), args, &out, &out)
	if !slices.Contains(c.may, code) || !strings.Contains(out.String(), c.want) {
		t.Errorf("code %d, may be %v with %q:\n%s", code, c.may, c.want, out.String())
	}
	p.mustBeEmpty(t)
	return p
}

// The machine may be busy, so a verdict may always be INCONCLUSIVE, and INVALID where it stalls;
// what must not come is the wrong one. TestGateDecides has a machine that is quiet.
func TestGateVerdicts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]gateCase{
		"half as fast":  {"STUB_DELAY=4ms", "STUB_DELAY=9ms", []int{exitFailure, exitInconclusive, exitInvalid}, ""},
		"twice as fast": {"STUB_DELAY=9ms", "STUB_DELAY=4ms", []int{exitOK, exitInconclusive, exitInvalid}, ""},
		"errors":        {"STUB_DELAY=4ms", "STUB_DELAY=2ms STUB_FAULT=fails-load", []int{exitInvalid}, "status 500"},
		"another axis":  {"STUB_DELAY=4ms", "STUB_FAULT=falls-back", []int{exitInvalid}, "active is other"},
		"another later": {"STUB_DELAY=4ms", "STUB_DELAY=4ms STUB_FAULT=falls-back-later", []int{exitInvalid}, "active is other"},
		"wrong data":    {"STUB_FAULT=flips", "STUB_DELAY=4ms", []int{exitInvalid}, "another SHA-256"},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// Killed right before it decides, a gate decides the same without running anything again.
func TestGateResume(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	f := filesIn(t.TempDir())
	args := p.gateArgs(t, "STUB_DELAY=2ms", "STUB_DELAY=6ms", f.flags()...)
	var first, second bytes.Buffer
	code := Main(t.Context(), args, &first, &first)
	legs := len(p.legs(t))
	p.forget(t)
	again := Main(t.Context(), append(args, "--resume"), &second, &second)
	if again != code || len(p.legs(t)) != legs {
		t.Errorf("code %d, then %d; %d legs, then %d:\n%s\n%s", code, again, legs, len(p.legs(t)),
			first.String(), second.String())
	}
	if a, b := lastLine(first.String()), lastLine(second.String()); a != b {
		t.Errorf("%q, then %q", a, b)
	}
	f.check(t)
}

func lastLine(text string) string {
	i := strings.LastIndex(text, "verdict: ")
	return text[max(0, i):]
}

// gateFiles are what a gate writes for others.
type gateFiles struct{ junit, markdown, ndjson, benchmark string }

func filesIn(dir string) gateFiles {
	return gateFiles{filepath.Join(dir, "j.xml"), filepath.Join(dir, "m.md"),
		filepath.Join(dir, "n.ndjson"), filepath.Join(dir, "b.txt")}
}

func (f gateFiles) flags() []string {
	return []string{"--junit", f.junit, "--markdown", f.markdown, "--ndjson", f.ndjson,
		"--benchfmt", f.benchmark}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// junitSuite is what continuous integration reads of a gate.
type junitSuite struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Cases    []struct {
		Name string `xml:"name,attr"`
	} `xml:"testcase"`
}

func (f gateFiles) suite(t *testing.T) (suite junitSuite) {
	t.Helper()
	if err := xml.Unmarshal([]byte(readText(t, f.junit)), &suite); err != nil {
		t.Error(err)
	}
	return suite
}

// mustSay: the files say the verdict that the exit code says, and want.
func (f gateFiles) mustSay(t *testing.T, code int, want string) {
	t.Helper()
	verdict := map[int]string{exitOK: "PASS", exitFailure: "FAIL", exitInconclusive: "INCONCLUSIVE",
		exitInvalid: "INVALID"}[code]
	suite, markdown := f.suite(t), readText(t, f.markdown)
	for what, right := range map[string]bool{
		"failures": (suite.Failures > 0) == (code == exitFailure),
		"errors":   (suite.Errors > 0) == (code == exitInvalid),
		"skipped":  (suite.Skipped > 0) == (code == exitInconclusive),
		"Markdown": strings.Contains(markdown, "### Performance gate: "+verdict+"\n"),
		"NDJSON":   f.last(t)["verdict"] == verdict,
	} {
		if !right {
			t.Errorf("%s: not of %s: %+v\n%s", what, verdict, suite, markdown)
		}
	}
	for _, path := range []string{f.junit, f.markdown, f.ndjson} {
		if text := html.UnescapeString(readText(t, path)); !strings.Contains(text, want) {
			t.Errorf("no %q in %s:\n%s", want, filepath.Base(path), text)
		}
	}
}

// last is the last object of the findings.
func (f gateFiles) last(t *testing.T) (object map[string]any) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(readText(t, f.ndjson)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &object); err != nil {
		t.Errorf("%q: %v", lines, err)
	}
	return object
}

// check looks into the forms of a gate of one scenario that ended twice.
func (f gateFiles) check(t *testing.T) {
	t.Helper()
	if suite := f.suite(t); suite.Tests != 1 || suite.Cases[0].Name != "get-4k" {
		t.Errorf("JUnit: %+v", suite)
	}
	if text := readText(t, f.markdown); strings.Count(text, "### Performance gate") != 2 {
		t.Errorf("a summary is added to what is there:\n%s", text)
	}
	for line := range strings.Lines(readText(t, f.ndjson)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	lines := strings.Split(strings.TrimSpace(readText(t, f.benchmark)), "\n")
	if len(lines) < 8 || !strings.HasPrefix(lines[2], "BenchmarkGet4k/side=") ||
		!strings.Contains(lines[2], " ns/op") {
		t.Errorf("benchmark format:\n%s", strings.Join(lines, "\n"))
	}
}

// Exit code 1 is a regression and nothing else: what keeps a gate from measuring is INVALID, and
// whoever reads its files is told too.
func TestGateThatCannotMeasure(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	f := filesIn(t.TempDir())
	args := p.gateArgs(t, "", "", f.flags()...)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := Main(ctx, args, &out, &out); code != exitInvalid ||
		!strings.Contains(out.String(), "interrupted") {
		t.Errorf("interrupted: code %d:\n%s", code, out.String())
	}
	f.mustSay(t, exitInvalid, context.Canceled.Error())
	out.Reset()
	f = filesIn(t.TempDir())
	args = append(p.gateArgs(t, "", "", f.flags()...),
		"--record", filepath.Join(p.server, "index.ndjson")) // below a file
	if code := Main(t.Context(), args, &out, &out); code != exitInvalid {
		t.Errorf("no record: code %d:\n%s", code, out.String())
	}
	f.mustSay(t, exitInvalid, "not a directory")
}

// A gate needs a base, and says how to get one.
func TestGateUsage(t *testing.T) {
	for args, want := range map[string]string{
		"gate": "make gate BASE=REVISION",
		"gate --base /nonexistent ../scenarios/get-4k.yaml":   "no such file",
		"gate --base /bin/true --counts=false --timing=false": "nothing is to be compared",
	} {
		var out bytes.Buffer
		if code := Main(t.Context(), strings.Fields(args), &out, &out); code != exitUsage ||
			!strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d:\n%s", args, code, out.String())
		}
	}
}
