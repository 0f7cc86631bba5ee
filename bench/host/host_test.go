package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	line := "42 (odd ) name) S 1 2 3 4 5 6 7 8 9 10 100 20 3 1 20 0 5 0 999 0 0\n"
	if cpu, err := parseStat([]byte(line)); err != nil || cpu != 1240*time.Millisecond {
		t.Errorf("%v, %v; want 1.24s", cpu, err)
	}
	for _, bad := range []string{"", "42 name S", "42 (x) S 1", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a 1 1 1 1"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// Threads of the kernel are told from programs, and what they used is not what others took.
func TestKernelThreads(t *testing.T) {
	for line, want := range map[string]bool{
		"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 5 6 0 0 20 0 1 0 3 0 0\n":      true,
		"7 (a) b) S 1 7 7 0 -1 4194560 1 2 0 0 5 6 0 0 20 0 1 0 3 0 0\n":          false,
		"7 (kworker) S 1 7 7 0 -1 4194304 1 2 0 0 5 6 0 0 20 0 1 0 3 0 2129984\n": false,
	} {
		if got := ofKernel([]byte(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	cpu, err := KernelUsage()
	if err != nil || cpu < 0 {
		t.Errorf("%v, %v", cpu, err)
	}
	all, err := MachineUsage()
	if err != nil || cpu > all.Busy {
		t.Errorf("the kernel's threads used %v of %v", cpu, all.Busy)
	}
	w := Window{Busy: 900, Server: 300, Client: 200, Kernel: 150, Stolen: 40}
	if got := w.Others(); got != 290 {
		t.Errorf("others took %d of %+v, want 250 and 40 stolen", got, w)
	}
	w.Add(Window{Busy: 10, Kernel: 20})
	if got := w.Others(); got != 280 {
		t.Errorf("others took %d of %+v", got, w)
	}
}

func TestParseMachine(t *testing.T) {
	m, err := parseMachine("cpu  100 10 50 9999 888 5 7 333 44 0\ncpu0 1\n")
	if err != nil || m.Busy != 1720*time.Millisecond || m.Stolen != 3330*time.Millisecond {
		t.Errorf("%v, %v; want 1.72s busy, 3.33s stolen", m, err)
	}
	if _, err := parseMachine("cpu 1 2"); err == nil {
		t.Error("a short line was accepted")
	}
}

func TestFingerprint(t *testing.T) {
	a, b := TakeFingerprint(t.TempDir()), TakeFingerprint(t.TempDir())
	if a.ID() != b.ID() || !reflect.DeepEqual(a, b) {
		t.Errorf("not stable: %+v and %+v", a, b)
	}
	if a.Cores < 1 || a.Kernel == "" || a.MemoryMB == 0 || a.FileSystem == "" {
		t.Errorf("incomplete: %+v", a)
	}
	b.Kernel += "x"
	if a.ID() == b.ID() {
		t.Error("another kernel, the same ID")
	}
}

func TestUsageCountsOwnWork(t *testing.T) {
	before, err := ProcessUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for start := time.Now(); ; {
		sha256.Sum256(block)
		after, err := ProcessUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after.CPU-before.CPU >= 50*time.Millisecond {
			if after.RSS < 1<<20 {
				t.Errorf("memory: %+v", after)
			}
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("20 s of hashing show as %s of CPU", after.CPU-before.CPU)
		}
	}
}

// What a group has used is that of its leader and of its children, while they run and behind their
// end; that of others is not.
func TestGroupCPU(t *testing.T) {
	// The child burns until it is told to end; its parent reaps it and then waits itself.
	cmd := exec.Command("/bin/sh", "-c", `while [ ! -e stop ]; do :; done & wait; : >reaped; exec sleep 1000`)
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		cmd.Wait()
	}()
	until := func(what string, ok func(used time.Duration) bool) time.Duration {
		t.Helper()
		for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
			used, err := GroupCPU(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			if ok(used) {
				return used
			}
		}
		t.Fatal("waited in vain for " + what)
		return 0
	}
	running := until("the child's CPU time", func(used time.Duration) bool {
		return used >= 50*time.Millisecond
	})
	leader, err := ProcessUsage(cmd.Process.Pid)
	if err != nil || leader.CPU >= running {
		t.Errorf("the leader alone used %v of %v, error %v", leader.CPU, running, err)
	}
	if err := os.WriteFile(cmd.Dir+"/stop", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	behind := until("the child's end", func(time.Duration) bool {
		_, err := os.Stat(cmd.Dir + "/reaped")
		return err == nil
	})
	if behind < running {
		t.Errorf("%v, and %v once it has ended", running, behind)
	}
	if used, err := GroupCPU(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no group: %v, error %v", used, err)
	}
}

func TestBetween(t *testing.T) {
	start := time.Unix(1000, 0)
	var samples []Sample
	for i := range 101 {
		d := time.Duration(i)
		samples = append(samples, Sample{
			At: start.Add(d * 100 * time.Millisecond),
			Server: Usage{CPU: d * 50 * time.Millisecond, RSS: int64(i), Read: int64(i * 100),
				Written: int64(i * 200), IOKnown: true},
			Client:  Usage{CPU: d * 70 * time.Millisecond},
			Machine: Machine{Busy: d * 130 * time.Millisecond, Stolen: d * 10 * time.Millisecond},
		})
	}
	w, ok := Between(samples, start.Add(2*time.Second), start.Add(8*time.Second))
	want := Window{Time: 6 * time.Second, Span: 6 * time.Second,
		Server: 3 * time.Second, Client: 4200 * time.Millisecond, Busy: 7800 * time.Millisecond,
		Stolen: 600 * time.Millisecond, RSSPeak: 80, RSSGrowth: 60,
		Read: 6000, Written: 12000, IOKnown: true}
	if !ok || w != want {
		t.Errorf("%+v, %v; want %+v", w, ok, want)
	}
	// Two windows of a server that was not watched between them.
	first, _ := Between(samples, start.Add(time.Second), start.Add(4*time.Second))
	second, _ := Between(samples, start.Add(5*time.Second), start.Add(8*time.Second))
	var sum Window
	sum.Add(first)
	sum.Add(second)
	if sum != want {
		t.Errorf("the sum is %+v, want %+v", sum, want)
	}
	first.IOKnown = false
	first.Add(second)
	if first.IOKnown {
		t.Error("half known is known")
	}
	if _, ok := Between(samples, start.Add(9*time.Second), start.Add(30*time.Second)); ok {
		t.Error("a window mostly without samples was accepted")
	}
	if _, ok := Between(nil, start, start); ok {
		t.Error("no samples were accepted")
	}
}

func TestWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if samples := Watch(ctx, os.Getpid(), -1); len(samples) != 1 ||
		samples[0].Machine.Busy == 0 {
		t.Errorf("samples: %+v", samples)
	}
}

func TestCalibrate(t *testing.T) {
	c, err := Calibrate(t.TempDir(), time.Minute)
	if err != nil || c.Hash <= 0 || c.Sync <= 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	t.Logf("hash %s, sync %s", c.Hash, c.Sync)
	for load, want := range map[time.Duration]float64{0: 0.125, 100 * time.Millisecond: 0.125,
		500 * time.Millisecond: 0.25, time.Second: 0.5, 2 * time.Second: 1, time.Hour: 1} {
		if got := shareFor(load); got != want {
			t.Errorf("before a load of %s: %v of the work, want %v", load, got, want)
		}
	}
	if _, err := Calibrate("/nonexistent", time.Second); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func TestDrift(t *testing.T) {
	for _, c := range []struct {
		a, b    Calibration
		writes  bool
		drift   float64
		tooMuch bool
	}{
		{Calibration{100, 100}, Calibration{104, 10}, false, 0.04, false},
		{Calibration{106, 100}, Calibration{100, 100}, false, 0.06, true},
		{Calibration{106, 100}, Calibration{100, 140}, true, 0.06, true},
		{Calibration{104, 100}, Calibration{100, 149}, true, 0.49, false},
		{Calibration{104, 151}, Calibration{100, 100}, true, 0.51, true},
		{Calibration{100, 0}, Calibration{100, 100}, true, 0, false},
	} {
		drift, tooMuch := Drift(c.a, c.b, c.writes)
		if math.Abs(drift-c.drift) > 1e-9 || tooMuch != c.tooMuch {
			t.Errorf("%+v: %v, %v", c, drift, tooMuch)
		}
	}
}

func TestPinThread(t *testing.T) {
	server, client := Split()
	if Cores() < 2 {
		if server != nil || client != nil {
			t.Errorf("one core was split: %v, %v", server, client)
		}
		return
	}
	if len(server)+len(client) != Cores() || len(server) < 1 || len(client) < len(server) {
		t.Fatalf("split of %d cores: %v, %v", Cores(), server, client)
	}
	done := make(chan int)
	go func() {
		runtime.LockOSThread() // never unlocked: the pinned thread ends with the goroutine
		if err := PinThread(server); err != nil {
			t.Error(err)
		}
		done <- Cores()
	}()
	if got := <-done; got != len(server) {
		t.Errorf("pinned to %d cores, want %d", got, len(server))
	}
}

// TestPinProcess: all threads there are, and those that come, are bound, until they are released.
func TestPinProcess(t *testing.T) {
	server, client := Split()
	if server == nil {
		t.Skip("one core")
	}
	release, err := PinProcess(client)
	if err != nil {
		t.Error(err)
	}
	mustMay(t, len(client))
	if err := release(); err != nil {
		t.Fatal(err)
	}
	mustMay(t, len(server)+len(client))
}

// mustMay: each thread may use so many cores.
func mustMay(t *testing.T, cores int) {
	t.Helper()
	started := make(chan int)
	for range 4 {
		go func() {
			runtime.LockOSThread() // a thread of its own, which ends with it
			started <- Cores()
		}()
	}
	for range 4 {
		if n := <-started; n != cores {
			t.Errorf("a thread may use %d cores, want %d", n, cores)
		}
	}
	var set unix.CPUSet
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if unix.SchedGetaffinity(id, &set) == nil && set.Count() != cores {
			t.Errorf("thread %d may use %d cores, want %d", id, set.Count(), cores)
		}
	}
}

// Who works is waited for until that is done, who sleeps is not. How much a process that would work
// gets is for others on the machine to say: what works here is an account.
func TestAwaitIdle(t *testing.T) {
	asleep := exec.Command("sleep", "1000")
	if err := asleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		asleep.Process.Kill()
		asleep.Wait()
	})
	if err := AwaitIdle(t.Context(), asleep.Process.Pid, time.Hour); err != nil {
		t.Errorf("asleep: %v", err)
	}
	looks := 0
	working := func(until int, step time.Duration) func() (Usage, error) {
		looks = 0
		var used time.Duration
		return func() (Usage, error) {
			if looks++; looks <= until {
				used += step
			}
			return Usage{CPU: used}, nil
		}
	}
	const more = idleCPU + tick
	ctx, cancel := context.WithTimeout(t.Context(), 3*idleLook)
	defer cancel()
	_, err := awaitIdle(ctx, working(math.MaxInt, more), time.Hour)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at work: %v", err)
	}
	began := time.Now()
	_, err = awaitIdle(t.Context(), working(math.MaxInt, more), 2*idleLook)
	if took := time.Since(began); err != nil || took < 2*idleLook {
		t.Errorf("always at work: %v after %s", err, took)
	}
	_, err = awaitIdle(t.Context(), working(4, more), time.Hour) // two accounts a look
	if err != nil || looks != 6 {
		t.Errorf("done in the second look: %v after %d accounts", err, looks)
	}
	_, err = awaitIdle(t.Context(), working(math.MaxInt, idleCPU), time.Hour)
	if err != nil || looks != 2 {
		t.Errorf("next to nothing is used: %v after %d accounts", err, looks)
	}
	asleep.Process.Kill()
	asleep.Wait()
	if err := AwaitIdle(t.Context(), asleep.Process.Pid, time.Hour); err == nil {
		t.Error("a process that is gone is called idle")
	}
}
