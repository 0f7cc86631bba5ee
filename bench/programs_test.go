package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flashstore/bench/record"
)

// A program that is built again meanwhile ends a session before anything of it is recorded. With
// the former one the session goes on.
func TestRebuiltProgram(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	former, err := os.ReadFile(p.server)
	if err != nil {
		t.Fatal(err)
	}
	args := p.lightArgs("run", light("3")...)
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- Main(t.Context(), args, &out, &out) }()
	for start := time.Now(); p.count(`"pair":1`) == 0 && time.Since(start) < deadline; {
		time.Sleep(5 * time.Millisecond)
	}
	writeProgram(t, p.server, "#!/bin/sh\nexit 1\n")
	code := <-ended
	for _, want := range []string{p.server + " has changed since session ", startAnew,
		"to go on with it: "} {
		if code != exitFailure || !strings.Contains(out.String(), want) {
			t.Errorf("code %d, no %q:\n%s", code, want, out.String())
		}
	}
	for _, leg := range p.legs(t) {
		if leg.Outcome != record.OK && leg.Outcome != record.Discarded {
			t.Errorf("recorded of another program: %+v", leg)
		}
	}
	writeProgram(t, p.server, string(former))
	out.Reset()
	if code := Main(t.Context(), append(args, "--resume"), &out, &out); code != exitOK ||
		!strings.Contains(out.String(), "resuming session ") {
		t.Errorf("with the former program: code %d:\n%s", code, out.String())
	}
	legs := p.legs(t)
	mustBeOnce(t, legs)
	if len(legs) < 6 {
		t.Errorf("%d legs of 3 pairs", len(legs))
	}
	p.mustBeEmpty(t)
}

// However a program is replaced, it is seen.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_790_000_000, 0)
	write := func(path, text string, at time.Time) {
		t.Helper()
		writeProgram(t, path, text)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(path string) error
		same   bool
	}{
		"not at all": {func(string) error { return nil }, true},
		"in place":   {func(path string) error { write(path, "longer", at); return nil }, false},
		"later":      {func(path string) error { write(path, "text", at.Add(1)); return nil }, false},
		"by another": {func(path string) error {
			write(path+"2", "text", at)
			return os.Rename(path+"2", path)
		}, false},
		"by nothing": {os.Remove, false},
	} {
		path := filepath.Join(t.TempDir(), "server")
		write(path, "text", at)
		s := &session{options: options{server: path, withoutWarp: true}}
		if hashes, err := s.hashPrograms(); err != nil || len(hashes) != 2 {
			t.Fatalf("%v, error %v", hashes, err)
		}
		if err := c.change(path); err != nil {
			t.Fatal(err)
		}
		if err := s.unchanged(); (err == nil) != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}
