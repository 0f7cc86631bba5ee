package bench

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/bench/record"
	"flashstore/bench/report"
)

// What is called equally often stands in one order, whatever the map says.
func TestProfileTableHasOneOrder(t *testing.T) {
	p := record.Profile{Calls: map[string]float64{"a": 1, "b": 1, "c": 1, "d": 1.0000001, "e": 1}}
	var names []string
	for _, line := range profileTable(&p)[1:] {
		names = append(names, strings.TrimSuffix(line[0], " per operation"))
	}
	if want := []string{"d", "a", "b", "c", "e"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// A real server under load profiles itself; its page has flame graphs and its calls are counted: of
// requests that find everything in memory, and of nothing else. On a busy machine a drive may be
// late, and others be read.
func TestProfile(t *testing.T) {
	p := newPlaceAlone(t, "", "exit 1")
	dir := filepath.Dir(p.server)
	p.server = realServer(t)
	page := filepath.Join(dir, "page.html")
	args := p.lightArgs("profile", append(light("1")[:12], "--html", page, "--set",
		"ioengine=threadpool", "--set", "netloop=nethttp,epoll", "--set", "run.duration=1s")...)
	var out bytes.Buffer
	if code := Main(t.Context(), args, &out, &out); code != exitOK ||
		!strings.Contains(out.String(), "written: "+page) {
		t.Fatalf("code %d:\n%s", code, out.String())
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"get-4k, epoll: CPU", "get-4k, nethttp: CPU", `class="flame`,
		"get-4k, epoll: bytes allocated", "get-4k, epoll: time that requests were blocked",
		"get-4k, epoll: time in contention", "-base raw/", "heap objects per operation",
		"context switches, voluntary"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, not := range []string{profiler, "flashstore/engine.New"} { // the profiles' own, and the start
		if bytes.Contains(text, []byte(not)) {
			t.Errorf("the page has %q", not)
		}
	}
	p.mustBeEmpty(t)
	mustHave(t, "strace") // for the rest
	if !strings.Contains(out.String(), "writev per operation") {
		t.Errorf("no system calls:\n%s", out.String())
	}
	for _, not := range []string{"preadv2 ", "pread64 ", "accept4 ", "getsockopt ", "getsockname "} {
		if strings.Contains(out.String(), "\n"+not) {
			t.Errorf("a call %s, of reads that miss or of connecting:\n%s", not, out.String())
		}
	}
}

// perf does not outlive a load that fails.
func TestProfileEndsPerf(t *testing.T) {
	p := newPlaceAlone(t, "fails-load", "exit 1")
	bin := filepath.Join(filepath.Dir(p.server), "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(bin, "perf"), "#!/bin/sh\n"+
		"i=0; while [ $((i += 1)) -lt 6000 ]; do sleep 0.01; done\n")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	var out bytes.Buffer
	if code := Main(t.Context(), p.lightArgs("profile", light("1")[:12]...), &out, &out); code == exitOK ||
		!strings.Contains(out.String(), "status 500") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
	awaitNoProcess(t, bin)
	p.mustBeEmpty(t)
}

// The functions that profiles are told apart by are there.
func TestProfiledFunctionsExist(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(realServer(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{handled, profiler} {
		if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == name }) {
			t.Errorf("no function %s", name)
		}
	}
}

// A record names files of its own folder; what it says of others is not read.
func TestProfilesAreBesideTheRecord(t *testing.T) {
	dir := t.TempDir()
	outside, beside := filepath.Join(dir, "x.pprof"), filepath.Join(dir, "results")
	if err := errors.Join(os.WriteFile(outside, nil, 0o600), os.Mkdir(beside, 0o700),
		os.WriteFile(filepath.Join(beside, "x.pprof"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"x.pprof": "nothing had to wait",
		"../x.pprof": "not drawn: ../x.pprof is not beside", outside: outside + " is not beside"} {
		p := &record.Profile{Session: "s", Files: map[string]string{"mutex": name}}
		found := slices.ContainsFunc(extras([]record.Line{{Profile: p}}, "s", beside),
			func(e report.Extra) bool { return strings.Contains(e.Note, want) })
		if !found {
			t.Errorf("%s: nothing says %q", name, want)
		}
	}
}

// A graph that is not there has a reason in its place.
func TestProfileDrawSaysWhyNot(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pprof"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &record.Profile{Session: "s", Scenario: "get-4k", Label: "epoll", Notes: []string{"cycles"},
		Files: map[string]string{"mutex": "empty.pprof", "block": "gone.pprof", "heap": "gone.pprof",
			heapBefore: "gone.pprof"}}
	wants := map[string]string{"": "not measured: cycles", ": CPU": "not profiled",
		": time in contention":              "nothing had to wait for a lock; go tool pprof empty.pprof",
		": time that requests were blocked": "gone.pprof: no such file",
		": bytes allocated":                 "gone.pprof: no such file"}
	all := extras([]record.Line{{Profile: p}}, "s", dir)
	for _, e := range all {
		want, ok := wants[strings.TrimPrefix(e.Title, "get-4k, epoll")]
		if !ok || !strings.Contains(e.Note, want) || e.SVG != "" {
			t.Errorf("%q: %q, want %q", e.Title, e.Note, want)
		}
	}
	if len(all) != len(wants) {
		t.Errorf("%d parts, want %d", len(all), len(wants))
	}
}
