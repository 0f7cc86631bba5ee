package e2e

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	memoryChanges = 150 // of each writer
	// memoryBudget is a size that nobody else maps; an allocator adds 2 MiB to align it.
	memoryBudgetMiB = 66
	memoryRegion    = (memoryBudgetMiB + 2) << 20
)

// TestRequestMemoryIsNeverGivenBack: under load the system gets nothing back of the request memory,
// neither mappings nor pages, since that costs every thread of the process its TLB. The stop gives
// back all of it at once, which shows that the trace sees it.
func TestRequestMemoryIsNeverGivenBack(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err == nil {
		err = exec.Command(strace, "-f", "--seccomp-bpf", "-e", "trace=munmap", "true").Run()
	}
	if err != nil {
		t.Skipf("nobody to see what the server asks of the system: strace: %v", err)
	}
	r := newRand(t)
	writers := newWriters(r, killedWriters())
	s := newServer(t, 4, "--allocator", "arena", "--memory-budget",
		strconv.Itoa(memoryBudgetMiB)+"MiB")
	trace := filepath.Join(s.dir, "trace")
	if err := syscall.Mkfifo(trace, 0o600); err != nil {
		t.Fatal(err)
	}
	given := make(chan []int)
	go func() { given <- givenBack(t, trace) }() // ends with strace
	s.under = []string{strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", trace,
		"-e", "trace=mmap,munmap,madvise,mremap"}
	s.start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			for range memoryChanges {
				if err := w.attempt(s.client); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.verifyAll(writers)
	s.stop()
	if got := <-given; len(got) != 1 || got[0] != memoryRegion {
		t.Errorf("bytes given back: %d, want one mapping of %d at the end", got, memoryRegion)
	}
}

// givenBack reads a trace to its end: what was taken away from the region of request memory, the
// bytes of each munmap, mremap and madvise that begins in it, in order. What it cannot read fails
// the test and is not in the answer.
func givenBack(t *testing.T, trace string) (bytes []int) {
	f, err := os.Open(trace)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	made := regexp.MustCompile(` mmap\(NULL, ` + strconv.Itoa(memoryRegion) + `, .* = (0x[0-9a-f]+)$`)
	taken := regexp.MustCompile(` (?:munmap|madvise|mremap)\((0x[0-9a-f]+), (\d+)`)
	begin := uint64(0)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m := made.FindStringSubmatch(lines.Text()); m != nil {
			begin, err = strconv.ParseUint(m[1], 0, 64)
		} else if m := taken.FindStringSubmatch(lines.Text()); m != nil && begin != 0 {
			at, err1 := strconv.ParseUint(m[1], 0, 64)
			n, err2 := strconv.Atoi(m[2])
			err = errors.Join(err1, err2)
			if at >= begin && at < begin+memoryRegion {
				bytes = append(bytes, n)
			}
		}
		if err != nil {
			t.Errorf("trace: %s: %v", lines.Text(), err)
		}
	}
	if lines.Err() != nil || begin == 0 {
		t.Errorf("no region in the trace: %v", lines.Err())
	}
	return bytes
}

// TestMemoryTooSmall: a budget that no large object gets through is said to be one, and what the
// warning names is enough.
func TestMemoryTooSmall(t *testing.T) {
	atLeast := regexp.MustCompile(`level=WARN msg="memory_budget is too small.* at_least=([0-9]+)`)
	large := content{4, 16 << 20}
	s := newServer(t, 4, "--memory-budget", "1MiB").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
	s.put("/"+crashBucket+"/small", content{3, 100 << 10}, http.StatusOK)
	s.put("/"+crashBucket+"/large", large, http.StatusServiceUnavailable)
	said := atLeast.FindStringSubmatch(s.log())
	if said == nil {
		t.Fatalf("no warning in\n%s", s.log())
	}
	s.stop()
	s.args = append(s.args, "--memory-budget", said[1])
	s.start()
	if err := s.readable(s.put("/"+crashBucket+"/large", large, http.StatusOK)); err != nil {
		t.Error(err)
	}
	if strings.Contains(s.log(), "too small") {
		t.Error("it warns of what it asked for")
	}
	s.stop()
}
