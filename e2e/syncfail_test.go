package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	refusalsMin = 5      // of each writer, after the first one of all
	ackedMost   = 20_000 // by then the n-th sync should have come
)

// TestNoAcknowledgementAfterFailedSync lets the n-th sync of each I/O thread fail with EIO, and
// only that one: the kernel calls pages clean whose write failed, so a server that tries again
// is told that all is well (Rebello et al., "Can Applications Recover from fsync Failures?",
// USENIX ATC 2020). From the first refusal on nothing may be acknowledged, and what was
// acknowledged before is there after a restart. Here a few n on the real server; all n are tried
// on a drive over ioengine/crashsim.
func TestNoAcknowledgementAfterFailedSync(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err == nil {
		err = exec.Command(strace, "-f", "-e", "inject=fdatasync:error=EIO:when=1", "true").Run()
	}
	if err != nil {
		t.Skipf("nobody to make a sync fail: strace: %v", err)
	}
	r := newRand(t)
	small := func(r *rand.Rand) []int64 { return []int64{r.Int64N(8 << 10)} }
	bulk := func(r *rand.Rand) []int64 { return []int64{100<<10 + r.Int64N(1<<20)} }
	writers := newWriters(r, []kind{{8, small, false}, {8, small, false}, {8, small, false},
		{2, bulk, false}, {2, bulk, false}})
	s := newServer(t, 1, "--ioengine", "threadpool").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
	s.stop()
	for _, n := range []int{1 + r.IntN(8), 8 + r.IntN(8), 16 + r.IntN(16), 32 + r.IntN(32)} {
		// With -D the server is the child of the tests, which are told when it is gone.
		s.under = []string{strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null",
			"-e", "trace=fdatasync,fsync,pwritev2",
			"-e", fmt.Sprintf("inject=fdatasync,fsync,pwritev2:error=EIO:when=%d", n)}
		s.launch()
		if err := s.awaitReady(); err != nil { // the n-th sync was one of the start
			t.Logf("n = %d: no start: %s", n, strings.TrimSpace(s.proc.LogTail()))
			if strings.Contains(s.log(), "\ngoroutine ") {
				t.Errorf("n = %d: the server crashed:\n%s", n, s.log())
			}
		} else {
			acked := s.untilRefused(writers)
			d := s.status().Drives[0]
			t.Logf("n = %d: %d acknowledged, then %s: %s", n, acked, d.Health, d.Reason)
			if d.Health == "online" || d.Reason == "" {
				t.Errorf("n = %d: the drive is %q: %q", n, d.Health, d.Reason)
			}
		}
		s.kill()
		s.under = nil
		s.start()
		s.verifyAll(writers)
		s.stop()
	}
}

// untilRefused lets the writers work until each was refused often enough.
func (s *server) untilRefused(writers []*writer) int64 {
	s.t.Helper()
	var acked atomic.Int64
	var refused atomic.Bool
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			for refusals := 0; refusals < refusalsMin && errs[i] == nil; {
				after := refused.Load()
				err := w.attempt(s.client)
				switch {
				case errors.Is(err, errUnavailable):
					refused.Store(true)
					refusals++
				case err != nil:
					errs[i] = err
				case after:
					errs[i] = errors.New("acknowledged after a failed sync")
				case acked.Add(1) > ackedMost:
					errs[i] = errors.New("no sync failed")
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.t.Error(err)
	}
	return acked.Load()
}
