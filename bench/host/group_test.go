package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startGroup runs a script whose process leads a group, which ends with the test.
func startGroup(t *testing.T, script string) (leader int, dir string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		cmd.Wait()
	})
	return cmd.Process.Pid, cmd.Dir
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("waited in vain for " + what)
		}
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// burnt waits until a group has used so much more.
func burnt(t *testing.T, leader int, more time.Duration) {
	t.Helper()
	begin, err := GroupCPU(leader)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the CPU time of the group", func() bool {
		used, err := GroupCPU(leader)
		return err == nil && used >= begin+more
	})
}

// between is the account of a server between two samples.
func between(t *testing.T, from, to Sample) Window {
	t.Helper()
	w, ok := Between([]Sample{from, to}, from.At, to.At)
	if !ok {
		t.Fatalf("no account of %v", to.At.Sub(from.At))
	}
	return w
}

// A script that waits for what it has started uses nothing itself: the account is of both, also once
// the child has ended.
func TestSampleOfAWrapper(t *testing.T) {
	leader, dir := startGroup(t, `sh -c 'while [ ! -e stop ]; do :; done'; : >reaped; sleep 1000; exit 1`)
	from := TakeSample(leader, -1)
	burnt(t, leader, 200*time.Millisecond)
	to := TakeSample(leader, -1)
	alone, err := ProcessUsage(leader)
	if err != nil {
		t.Fatal(err)
	}
	if w := between(t, from, to); w.Server < 150*time.Millisecond || alone.CPU > w.Server/2 ||
		w.RSSPeak <= alone.RSS {
		t.Errorf("%+v, of which the script itself has %+v", w, alone)
	}
	touch(t, filepath.Join(dir, "stop"))
	until(t, "the child's end", func() bool {
		_, err := os.Stat(filepath.Join(dir, "reaped"))
		return err == nil
	})
	for name, s := range map[string]Sample{
		"behind the last one": to.next(leader, -1), "by itself": TakeSample(leader, -1),
	} {
		if s.Server.CPU < to.Server.CPU {
			t.Errorf("a sample %s: %v, and %v while the child ran", name, s.Server.CPU, to.Server.CPU)
		}
	}
}

// A worker that begins while the server is watched is found.
func TestSampleOfALateWorker(t *testing.T) {
	leader, dir := startGroup(t,
		`while [ ! -e go ]; do sleep 0.01; done; sh -c 'while :; do :; done'; exit 1`)
	first := TakeSample(leader, -1)
	touch(t, filepath.Join(dir, "go"))
	burnt(t, leader, 200*time.Millisecond)
	last := first
	until(t, "the worker's CPU time", func() bool {
		last = last.next(leader, -1)
		return last.Server.CPU >= 150*time.Millisecond
	})
	if took := last.At.Sub(first.At); last.Server.CPU > took*time.Duration(Cores()) {
		t.Errorf("%v of CPU time in %v", last.Server.CPU, took)
	}
}

// A worker that ends, and is reaped by nobody of its group, takes its time with it: a window has then
// less than was used, but never less than nothing.
func TestSampleOfAnOrphan(t *testing.T) {
	// This process reaps it, wherever it runs.
	subreaper := func(on uintptr) error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) }
	if err := subreaper(1); err != nil {
		t.Fatal(err)
	}
	defer subreaper(0)
	leader, dir := startGroup(t,
		`(sh -c 'while [ ! -e stop ]; do :; done' & echo $! >orphan); exec sleep 1000`)
	burnt(t, leader, 100*time.Millisecond)
	from := TakeSample(leader, -1)
	if from.Server.CPU < 50*time.Millisecond {
		t.Errorf("while it runs: %v", from.Server.CPU)
	}
	var orphan int
	until(t, "the orphan's number", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "orphan"))
		number, whole := strings.CutSuffix(string(text), "\n")
		orphan, _ = strconv.Atoi(number)
		return whole
	})
	touch(t, filepath.Join(dir, "stop"))
	until(t, "the orphan's end", func() bool {
		reaped, err := unix.Wait4(orphan, nil, unix.WNOHANG, nil)
		return err == nil && reaped == orphan
	})
	if w := between(t, from, TakeSample(leader, -1)); w.Server < 0 {
		t.Errorf("%v was used", w.Server)
	}
	if next := from.next(leader, -1); next.Server.CPU < from.Server.CPU {
		t.Errorf("%v, then %v", from.Server.CPU, next.Server.CPU)
	}
}

// A group is idle when all of it is. On a busy machine its worker may get next to nothing in a look,
// but hardly in all of them; the leader alone is idle in each.
func TestAwaitIdleGroup(t *testing.T) {
	leader, _ := startGroup(t, `sh -c 'while :; do :; done'; exit 1`)
	burnt(t, leader, 20*time.Millisecond)
	until(t, "a group at work to be found", func() bool {
		busy, err := awaitGroup(t.Context(), leader, 2*idleLook)
		if err != nil {
			t.Fatal(err)
		}
		return busy > 0
	})
}
