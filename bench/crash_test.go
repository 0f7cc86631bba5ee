package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/bench/peer"
	"flashstore/bench/target"
)

// A server that keeps in memory what it has acknowledged is found out, one that writes is not.
func TestCrash(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"lies": "acknowledged but lost: ", "": "all ",
	} {
		t.Run("stub "+fault, func(t *testing.T) {
			p := newPlace(t, "", "exit 1")
			var out bytes.Buffer
			code := Main(t.Context(), []string{"crash", p.writePeer(t, fault), "--server", p.server,
				"--dir", p.dir, "--crashes", "2", "--power=false"}, &out, &out)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			theirs := lines[len(lines)-1]
			if code != exitOK || !strings.HasPrefix(theirs, "other") || !strings.Contains(theirs, want) {
				t.Errorf("code %d, no %q:\n%s", code, want, out.String())
			}
			if !strings.Contains(out.String(), "not measured: power cuts") {
				t.Errorf("what it could not measure:\n%s", out.String())
			}
			p.mustBeEmpty(t)
		})
	}
	t.Run("ours lies", func(t *testing.T) {
		p := newPlace(t, "lies", "exit 1")
		var out bytes.Buffer
		if code := Main(context.Background(), []string{"crash", "--server", p.server, "--dir", p.dir,
			"--crashes", "1", "--power=false"}, &out, &out); code != exitFailure {
			t.Errorf("code %d:\n%s", code, out.String())
		}
	})
	t.Run("ours refuses", func(t *testing.T) { // and so has lost nothing
		p := newPlace(t, "refuses", "exit 1")
		var out bytes.Buffer
		if code := Main(context.Background(), []string{"crash", "--server", p.server, "--dir", p.dir,
			"--crashes", "1", "--power=false"}, &out, &out); code != exitInvalid ||
			!strings.Contains(out.String(), "not measured: no write was acknowledged") {
			t.Errorf("code %d:\n%s", code, out.String())
		}
	})
}

// uncut is a power cut that does not come.
type uncut struct{ killed }

func (uncut) crash(*target.Server) error { return errors.New("no shutdown here") }

// What survives a crash that did not come says nothing.
func TestCrashThatDoesNotCome(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	workspace, err := target.OpenWorkspace(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer workspace.Close()
	c := crashTest{workspace: workspace, messages: io.Discard, crashes: 2, seed: 1}
	s, err := c.one(t.Context(), crashServer{"x", target.Config{Binary: p.server, Drives: 1}},
		uncut{killed{workspace}})
	if err != nil || s.String() != "not measured: no shutdown here" || s.Measured() {
		t.Errorf("%s, error %v", s.String(), err)
	}
}

// Where a namespace is not allowed there are no power cuts, but there are kills.
func TestCrashWithoutNamespace(t *testing.T) {
	p := newPlaceAlone(t, "", "exit 1")
	bin := filepath.Dir(p.server)
	refuse := "#!/bin/sh\necho Operation not permitted >&2\nexit 1\n"
	writeProgram(t, filepath.Join(bin, "unshare"), refuse)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	var out bytes.Buffer
	code := Main(t.Context(), []string{"crash", "--server", p.server, "--dir", p.dir, "--crashes", "1",
		"--power"}, &out, &out)
	if code != exitInvalid || !strings.Contains(out.String(), "kill -9: all ") ||
		!strings.Contains(out.String(), "power cut: not measured: no mount namespace") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}

// The last acknowledged write must be there, or a later one; an earlier one is a loss.
func TestFate(t *testing.T) {
	w := newWrites(1)
	e := &written{acknowledged: -1, since: []int{0, 8}}
	e.acknowledge(8)
	e.since = []int{16}
	e.acknowledge(16)
	e.since = []int{24}
	for name, c := range map[string]struct {
		got  []byte
		err  error
		want peer.Fate
	}{
		"acknowledged": {w.body(16), nil, peer.Kept}, "later": {w.body(24), nil, peer.Kept},
		"replaced": {w.body(8), nil, peer.Lost}, "replaced, unanswered": {w.body(0), nil, peer.Lost},
		"absent":  {nil, fmt.Errorf("x: %w", fs.ErrNotExist), peer.Lost},
		"refused": {nil, errors.New("503"), peer.Unreadable},
		"cut":     {w.body(16)[:10], nil, peer.Corrupt}, "of nobody": {w.body(999), nil, peer.Corrupt},
	} {
		if got := w.fate(e, c.got, c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A real power cut: the stub that does not sync loses, the one that does keeps what it said.
func TestCrashPower(t *testing.T) {
	mustHave(t, "unshare")
	mustHave(t, "mkfs.ext4")
	if os.Geteuid() != 0 {
		t.Skip("power cuts need root")
	}
	p := newPlace(t, "syncs", "exit 1")
	args := []string{"crash", p.writePeer(t, ""), "--server", p.server, "--dir", p.dir,
		"--crashes", "2", "--power"}
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "BENCH_TEST_MAIN="+strings.Join(args, " "))
	out, err := harness.CombinedOutput()
	if strings.Contains(string(out), "not measured: ") {
		t.Skipf("no power cuts here:\n%s", out)
	}
	if !strings.Contains(string(out), "power cut") || err != nil {
		t.Fatalf("error %v:\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "other ") && strings.Contains(line, "power cut") &&
			!strings.Contains(line, "lost") && !strings.Contains(line, "damaged") {
			t.Errorf("what was never synced survived: %s", line)
		}
	}
}
