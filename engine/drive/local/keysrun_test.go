package local_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const keysProgress = 10 * time.Second

// keysJob is what a child does: it opens the drive, looks a sample of the keys below Have up,
// commits those from From to To, and closes the drive.
type keysJob struct {
	What, Path     string
	Have, From, To uint64
	killAt         uint64 // acknowledged keys at which the parent kills it; 0: never
}

// keysEvent is a line that a child says.
type keysEvent struct {
	Event      string // open, read, progress, closed, failed
	Acked      uint64 // every key below it is acknowledged
	Lookups    uint64
	Resident   int64 // bytes, now
	Peak       int64 // bytes, at most so far
	Elapsed    time.Duration
	Diagnostic string
}

// keysReport is what became of a job.
type keysReport struct {
	what           string
	opened         time.Duration // from the process's start until the drive took requests
	lookups        uint64
	lookupTook     time.Duration
	acked, commits uint64
	commitTook     time.Duration
	cpu            time.Duration
	peakBytes      int64
}

// runKeys does a job in a process of its own, which finds nothing of the drive in the page cache.
func runKeys(t *testing.T, job keysJob) keysReport {
	t.Helper()
	dropCaches(t, job.Path)
	text, err := json.Marshal(job)
	must(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKeysChild$", "-test.timeout=0",
		"-local.keyschild="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	alive, err := cmd.StdinPipe() // the child ends when we do
	must(t, err)
	defer alive.Close()
	began := time.Now()
	must(t, cmd.Start())
	r := followKeys(t, job, bufio.NewScanner(out), cmd.Process, began)
	err = cmd.Wait()
	if job.killAt == 0 && err != nil {
		t.Fatalf("%s: %v", job.What, err)
	}
	p := cmd.ProcessState
	r.cpu = p.UserTime() + p.SystemTime()
	return r
}

// followKeys reads what a child says until it ends.
func followKeys(t *testing.T, job keysJob, lines *bufio.Scanner, p *os.Process,
	began time.Time) keysReport {
	t.Helper()
	r := keysReport{what: job.What, acked: job.From}
	said := time.Now()
	ended := false
	for lines.Scan() {
		var e keysEvent
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // of package testing
		}
		r.peakBytes = max(r.peakBytes, e.Peak)
		r.acked = max(r.acked, e.Acked)
		switch e.Event {
		case "open":
			r.opened = time.Since(began)
		case "read":
			r.lookups, r.lookupTook = e.Lookups, e.Elapsed
		case "progress":
			r.commits, r.commitTook = e.Acked-job.From, e.Elapsed
		case "closed":
			ended = true
		case "failed":
			t.Fatalf("%s: %s", job.What, e.Diagnostic)
		}
		if job.killAt > 0 && e.Acked >= job.killAt && !ended {
			ended = true
			must(t, p.Kill())
		}
		if e.Event == "progress" && time.Since(said) >= keysProgress {
			said = time.Now()
			t.Log(progressOf(job, e))
		}
	}
	if !ended {
		t.Fatalf("%s: the process ended early", job.What)
	}
	return r
}

// progressOf is how far a job is, for people who wait.
func progressOf(job keysJob, e keysEvent) string {
	end := job.To
	if job.killAt > 0 {
		end = job.killAt
	}
	done := e.Acked - job.From
	left := time.Duration(float64(e.Elapsed) / float64(max(done, 1)) * float64(end-min(end, e.Acked)))
	return fmt.Sprintf("%s: %.2f of %.2f million keys, %.0f/s, %d MiB resident, about %v left",
		job.What, float64(e.Acked)/1e6, float64(end)/1e6, float64(done)/e.Elapsed.Seconds(),
		e.Resident>>20, left.Round(time.Second))
}

// dropCaches leaves nothing of a folder in the page cache.
func dropCaches(t *testing.T, path string) {
	t.Helper()
	root, err := os.Open(path)
	must(t, err)
	defer root.Close()
	must(t, unix.Syncfs(int(root.Fd())))
	must(t, filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	}))
}

// memoryOf reads a line of /proc/self/status, in bytes; 0 where there is none.
func memoryOf(line string) (bytes int64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	if _, rest, found := strings.Cut(string(text), line+":"); found {
		_, _ = fmt.Sscan(rest, &bytes)
	}
	return bytes << 10
}
