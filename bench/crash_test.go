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
	"syscall"
	"testing"
	"time"

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

// interrupting is a kill during which somebody presses Ctrl-C, at the second crash.
type interrupting struct {
	killed
	crashes *int
	cancel  context.CancelFunc
}

func (i interrupting) crash(server *target.Server) error {
	if *i.crashes++; *i.crashes == 2 {
		i.cancel()
	}
	return i.killed.crash(server)
}

// What was done until an interrupt is shown, and nobody is accused of what was not read back.
func TestCrashInterrupted(t *testing.T) {
	p := newPlace(t, "lies", "exit 1")
	workspace, err := target.OpenWorkspace(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := crashTest{workspace: workspace, messages: io.Discard, crashes: 5, seed: 1}
	s, err := c.one(ctx, crashServer{ourName, target.Config{Binary: p.server, Drives: 1}},
		interrupting{killed{workspace}, new(int), cancel})
	if !errors.Is(err, context.Canceled) || s.Crashes != 2 || s.Broken() ||
		!strings.HasPrefix(s.String(), "not to the end: interrupted") {
		t.Errorf("%+v: %s, error %v", s, s.String(), err)
	}
	if err := workspace.Close(); err != nil {
		t.Error(err)
	}
	p.mustBeEmpty(t)
}

// A read that an interrupt has cut off says nothing about what was to be read.
func TestReadBackInterrupted(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	server, err := target.Start(t.Context(), target.Config{Binary: p.server, Drives: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, s := newWrites(1), peer.Score{Crashes: 1}
	w.keys["crash/0/000000"] = &written{acknowledged: 8}
	if err := w.check(ctx, server, &s); !errors.Is(err, context.Canceled) || s.Broken() {
		t.Errorf("%s, error %v", s.String(), err)
	}
}

// Ctrl-C of a terminal, which sends it to the whole process group, while power is cut: everything is
// removed, that is said once, and below what was done until then.
func TestCrashPowerInterrupted(t *testing.T) {
	mustHave(t, "unshare")
	mustHave(t, "mkfs.ext4")
	if os.Geteuid() != 0 {
		t.Skip("power cuts need root")
	}
	p := newPlace(t, "syncs", "exit 1")
	var out bytes.Buffer
	harness := exec.Command(os.Args[0])
	harness.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	harness.Env = append(os.Environ(), "BENCH_TEST_MAIN="+strings.Join([]string{"crash", "--server",
		p.server, "--dir", p.dir, "--crashes", "2", "--power"}, " "))
	harness.Stdout, harness.Stderr = &out, &out
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- harness.Wait() }()
	for start := time.Now(); time.Since(start) < deadline; time.Sleep(5 * time.Millisecond) {
		if image, _ := filepath.Glob(filepath.Join(p.dir, "run-*", "power.img")); len(image) > 0 {
			break
		}
	}
	if err := syscall.Kill(-harness.Process.Pid, syscall.SIGINT); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(deadline):
		syscall.Kill(-harness.Process.Pid, syscall.SIGKILL)
		<-ended
		t.Fatalf("it does not end:\n%s", out.String())
	}
	if strings.Contains(out.String(), "no mount namespace") {
		t.Skipf("no power cuts here:\n%s", out.String())
	}
	code := harness.ProcessState.ExitCode()
	if n := strings.Count(out.String(), "interrupted; servers are stopped"); n != 1 ||
		code != exitFailure || !strings.Contains(out.String(), "kill -9  ") ||
		!strings.Contains(out.String(), "all ") {
		t.Errorf("code %d, said %d times:\n%s", code, n, out.String())
	}
	p.mustBeEmpty(t)
	awaitNoProcess(t, filepath.Dir(p.dir))
}

// Where a namespace is not allowed there are no power cuts, but there are kills.
func TestCrashWithoutNamespace(t *testing.T) {
	p := newPlace(t, "", "exit 1")
	bin := filepath.Dir(p.server)
	refuse := "#!/bin/sh\necho Operation not permitted >&2\nexit 1\n"
	writeProgram(t, filepath.Join(bin, "unshare"), refuse)
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "BENCH_TEST_MAIN="+
		strings.Join([]string{"crash", "--server", p.server, "--dir", p.dir, "--crashes", "1", "--power"}, " "))
	out, _ := harness.CombinedOutput()
	if code := harness.ProcessState.ExitCode(); code != exitInvalid ||
		!strings.Contains(string(out), "kill -9: all ") ||
		!strings.Contains(string(out), "power cut: not measured: no mount namespace") {
		t.Errorf("code %d:\n%s", code, out)
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
