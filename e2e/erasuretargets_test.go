package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	generator "flashstore/bench/load"
	"flashstore/bench/sign"
)

var erasureFlag = flag.Bool("e2e.erasure", false, "measure the targets of the erasure sets: some "+
	"minutes, on a quiet machine")

const targetRounds = 5

// TestErasureTargets measures what a set of four drives (2+2) on one disk does, against its targets.
// The server has a core of its own where taskset is there, and so has the generator.
func TestErasureTargets(t *testing.T) {
	if !*erasureFlag {
		t.Skip("takes minutes and wants a quiet machine: make bench-erasure")
	}
	for name, pinned := range map[string]bool{"put 4 KiB": false, "put 4 KiB on a core": true} {
		t.Run(name, func(t *testing.T) { smallPuts(t, pinned) })
	}
	t.Run("put 1 MiB by 16 streams", func(t *testing.T) {
		puts(t, 1<<20, 16, false, true, func(r generator.Result, used cost) {
			t.Logf("%.0f MB/s, %.0f MB per second of server CPU (600 asked for)",
				float64(r.Bytes)/r.Seconds/1e6, float64(r.Bytes)/used.CPUSeconds/1e6)
		})
	})
	t.Run("degraded get 1 MiB", degradedGets)
	t.Run("foreground while healing", foregroundWhileHealing)
}

// targetServer is a server of four drives, and the load for it.
func targetServer(t *testing.T, pinned bool) (*server, generator.Config) {
	s := newServer(t, 4, "--netloop", "epoll", "--log-segment", "64MiB")
	c := generator.Config{Signer: sign.New(rootUser, rootPassword, "us-east-1"),
		Warmup: time.Second, Duration: 6 * time.Second}
	if taskset, err := exec.LookPath("taskset"); err == nil && pinned {
		s.env = append(s.env, "GOMAXPROCS=1")
		s.under, c.Cores = []string{taskset, "-c", "0"}, []int{1}
	}
	s.start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/target"})
	c.Address = s.host()
	return s, c
}

func targetObjects(count int, bytes int64) (all []generator.Object) {
	for i := range count {
		o := content{uint64(i), bytes}
		all = append(all, generator.Object{Path: fmt.Sprintf("/target/%d-%04d", bytes, i),
			Bytes: bytes, Body: o.bytes()})
	}
	return all
}

// smallPuts has 64 connections put 4 KiB each; pinned, the server has one core and the generator the
// other.
func smallPuts(t *testing.T, pinned bool) {
	puts(t, 4<<10, 64, pinned, false, func(r generator.Result, used cost) {
		each := func(n uint64) float64 { return float64(n) / float64(r.Operations) }
		t.Logf("%.0f/s (15,000 asked for), server CPU %.0f µs each (60 asked for); %.2f synced "+
			"writes each, %.2f io_uring_enter, %.1f heap objects, %.1f KiB copied", r.Goodput,
			1e6*used.CPUSeconds/float64(r.Operations), each(used.SyncedWrites),
			each(used.IOEnters), each(used.HeapObjects), each(used.Copied)/1024)
	})
}

func puts(t *testing.T, bytes int64, connections int, pinned, unsigned bool,
	tell func(generator.Result, cost)) {
	s, c := targetServer(t, pinned)
	defer s.stop()
	c.Method, c.Connections, c.UnsignedPayload = http.MethodPut, connections, unsigned
	c.Objects = targetObjects(64, bytes)
	for range targetRounds {
		var at []cost
		c.Edge = func(bool) { at = append(at, s.status().Cost) }
		r := s.measure(t, c)
		if r.Failed() > 0 {
			t.Fatal(r.ErrorText())
		}
		tell(r, at[1].since(&at[0]))
	}
}

// degradedGets compares GETs with a drive away and with all, in turn.
func degradedGets(t *testing.T) {
	s, c := targetServer(t, true)
	c.Method, c.Connections, c.Objects = http.MethodPut, 4, targetObjects(64, 1<<20)
	c.Presigned = true
	put := c
	put.Once, put.Warmup, put.Duration = true, 0, time.Minute
	s.generate(t, put)
	c.Method, c.Connections = http.MethodGet, 8
	var ratios []float64
	for range targetRounds {
		s.stop()
		s.start()
		c.Address = s.host()
		whole := s.measure(t, c)
		s.stop()
		s.hide([]int{1})
		s.start()
		c.Address = s.host()
		degraded := s.measure(t, c)
		s.stop()
		s.unhide([]int{1})
		s.start()
		if whole.Failed()+degraded.Failed() > 0 {
			t.Fatal(whole.ErrorText(), degraded.ErrorText())
		}
		ratios = append(ratios, degraded.Goodput/whole.Goodput)
		t.Logf("%.0f/s with all drives, %.0f/s with one away", whole.Goodput, degraded.Goodput)
	}
	s.stop()
	slices.Sort(ratios)
	t.Logf("degraded is %.2f of healthy, from %.2f to %.2f (0.8 asked for)", ratios[len(ratios)/2],
		ratios[0], ratios[len(ratios)-1])
}

// foregroundWhileHealing offers half of the peak, without and with a drive that is being filled.
func foregroundWhileHealing(t *testing.T) {
	s, c := targetServer(t, false)
	c.Method, c.Connections, c.Objects = http.MethodPut, 64, targetObjects(8_000, 4<<10)
	put := c
	put.Once, put.Warmup, put.Duration = true, 0, 2*time.Minute
	s.generate(t, put)
	put.Objects = targetObjects(100, 1<<20)
	s.generate(t, put)
	mixed := c
	mixed.Objects, mixed.Rate = targetObjects(64, 4<<10), 2000
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		mixed.Method = method
		var alone, beside []float64
		for range 3 {
			alone = append(alone, float64(s.measure(t, mixed).Latency.P99))
			s.stop()
			if err := os.RemoveAll(s.drives[2]); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(s.drives[2], 0o700); err != nil {
				t.Fatal(err)
			}
			s.start()
			mixed.Address = s.host()
			if code, said := flashstore(t, s.env, "admin", "adopt", "--server", s.base); code != 0 {
				t.Fatal(said)
			}
			mixed.Duration = 4 * time.Second
			beside = append(beside, float64(s.measure(t, mixed).Latency.P99))
			a := s.must(t, http.StatusOK, request{method: "GET", path: "/flashstore/v1/admin/heal"})
			t.Logf("%s: p99 %.1f ms alone, %.1f ms beside healing; %s", method,
				alone[len(alone)-1]/1e3, beside[len(beside)-1]/1e3, a.body)
			s.healWait(t, 0)
		}
		slices.Sort(alone)
		slices.Sort(beside)
		t.Logf("%s: p99 beside healing is %.2f of p99 alone (2 allowed)", method, beside[1]/alone[1])
	}
	s.stop()
}
