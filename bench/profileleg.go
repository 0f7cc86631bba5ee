package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/pair"
	"flashstore/bench/profile"
	"flashstore/bench/record"
	"flashstore/bench/target"
)

const (
	profileDone = 20 * time.Second // a server has to write its profiles
	profilePoll = 20 * time.Millisecond
)

// Requests of the loads under strace, which is slow: the difference is what calls are counted of.
const (
	traceShort = 100
	traceLong  = traceShort + 1000
)

// profileEnv is how a server is told to profile itself; see cmd/flashstore.
const profileEnv = "FLASHPROFILE_DIR="

// cleanUp removes preloaded data.
func (m *comparison) cleanUp() (err error) {
	for _, dir := range m.data {
		if dir != "" {
			err = errors.Join(err, m.workspace.Remove(filepath.Base(dir)))
		}
	}
	return err
}

// legDir is the data of an untimed leg: preloaded, or fresh.
func (m *comparison) legDir(side pair.Side) (string, error) {
	if m.data[side] != "" {
		return m.data[side], nil
	}
	return m.workspace.Fresh("leg")
}

// profileLeg puts load on a server that profiles itself, under perf where that is allowed.
func (m *comparison) profileLeg(
	ctx context.Context, side pair.Side, dir string, p *record.Profile,
) error {
	data, err := m.legDir(side)
	if err != nil {
		return err
	}
	c := m.timed(side, data)
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	c.Env = append(c.Env, profileEnv+dir)
	r, err := m.ready(ctx, side, c, new(record.Leg))
	if err != nil {
		return err
	}
	server := r.server
	defer server.Kill()
	if err := syscall.Kill(server.PID(), syscall.SIGUSR1); err != nil {
		return err
	}
	perf := startPerf(server.PID(), filepath.Join(dir, "perf.csv"), p)
	defer perf() // where the load fails
	before := host.ContextSwitches(server.PID())
	stop := m.keepCold(data)
	a, err := m.applyLight(ctx, server, m.rate, m.scenario.Run.Duration)
	stop()
	if err != nil {
		return err
	}
	after := host.ContextSwitches(server.PID())
	perf()
	if err := syscall.Kill(server.PID(), syscall.SIGUSR2); err != nil {
		return err
	}
	if err := awaitProfiles(ctx, dir); err != nil {
		return err
	}
	// Switches are of the whole load, operations of its window: scaled to the whole.
	operations := a.figures.PerSecond * m.scenario.Run.Duration.Seconds()
	if operations > 0 && after[0] >= before[0] {
		p.Numbers["context switches, voluntary, per operation"] = (after[0] - before[0]) / operations
		p.Numbers["context switches, forced, per operation"] = (after[1] - before[1]) / operations
	}
	return errors.Join(m.collect(dir, operations, p), server.Stop())
}

// awaitProfiles returns once the server has written everything.
func awaitProfiles(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, profileDone)
	defer cancel()
	poll := time.NewTicker(profilePoll)
	defer poll.Stop()
	for {
		if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server wrote no profiles: %w", context.Cause(ctx))
		case <-poll.C:
		}
	}
}

// collect notes where the profiles are, relative to the record, and what the runtime has counted.
func (m *comparison) collect(dir string, operations float64, p *record.Profile) error {
	root, err := filepath.Abs(filepath.Dir(m.index.Path()))
	if err != nil {
		return err
	}
	names := []string{heapBefore}
	for _, kind := range profileKinds() {
		names = append(names, kind.name)
	}
	for _, name := range names {
		file := filepath.Join(dir, name+".pprof")
		if _, err := os.Stat(file); err != nil {
			continue // of a server before there was this kind
		}
		if p.Files[name], err = filepath.Rel(root, file); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "runtime.json"))
	if err != nil {
		return err
	}
	var counted map[string]float64
	if err := json.Unmarshal(text, &counted); err != nil {
		return err
	}
	p.Numbers["GC cycles per second"] = counted["gc_cycles"] / counted["seconds"]
	p.Numbers["GC pause, longest, µs"] = counted["gc_pause_max_us"]
	p.Numbers["GC pauses, share of time, %"] = counted["gc_pause_total_us"] / 1e4 / counted["seconds"]
	if operations > 0 {
		p.Numbers["heap objects per operation"] = counted["heap_objects"] / operations
		p.Numbers["heap bytes per operation"] = counted["heap_bytes"] / operations
	}
	return m.counters(filepath.Join(dir, "perf.csv"), operations, p)
}

// counters reads what perf stat has left, if it could run.
func (m *comparison) counters(file string, operations float64, p *record.Profile) error {
	f, err := os.Open(file)
	if err != nil {
		return nil // said by startPerf
	}
	defer f.Close()
	counted, err := profile.Counters(f)
	if err != nil {
		return err
	}
	for name, v := range counted {
		if operations > 0 {
			p.Numbers["perf: "+name+" per operation"] = v / operations
		}
	}
	if _, ok := counted["cycles"]; !ok {
		p.Notes = append(p.Notes, "cycles, instructions and cache misses: this machine does not count "+
			"them")
	}
	return nil
}

// startPerf counts events of a process until the function it returns is called, which may be more
// than once.
func startPerf(pid int, file string, p *record.Profile) (stop func()) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		p.Notes = append(p.Notes, "perf stat: it is not installed")
		return func() {}
	}
	cmd := exec.Command(perf, "stat", "-x", ";", "-o", file, "-p", strconv.Itoa(pid), "-e",
		"task-clock,context-switches,cpu-migrations,page-faults,cycles,instructions,cache-misses")
	if err := cmd.Start(); err != nil {
		p.Notes = append(p.Notes, "perf stat: "+err.Error())
		return func() {}
	}
	return sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it writes its counts then
		if err := cmd.Wait(); err != nil && !interrupted(err) {
			p.Notes = append(p.Notes, "perf stat is not allowed here: "+err.Error())
		}
	})
}

func interrupted(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

// traceLeg counts system calls per operation under strace, with caches as in a timed leg. Each of
// three loads follows one before it, whose connections end meanwhile: what connecting costs is in
// all of them, and so not in the difference of the last two.
func (m *comparison) traceLeg(ctx context.Context, side pair.Side, p *record.Profile) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		p.Notes = append(p.Notes, "system calls: strace is not installed")
		return nil
	}
	data, err := m.legDir(side)
	if err != nil {
		return err
	}
	file := filepath.Join(m.workspace.Path(), "calls.strace")
	c := m.target(side, data, nil)
	c.Trace = []string{strace, "-f", "-q", "-s", "0", "-o", file}
	r, err := m.ready(ctx, side, c, new(record.Leg))
	if err != nil { // without strace the same has just been ready
		p.Notes = append(p.Notes, "system calls: "+m.local(err.Error()))
		return ctx.Err()
	}
	defer r.server.Kill()
	defer m.keepCold(data)()
	var counts [3]map[string]int
	for i, requests := range []int{traceShort, traceShort, traceLong} {
		if counts[i], err = m.traced(ctx, r.server, file, requests); err != nil {
			return err
		}
	}
	p.Calls = map[string]float64{}
	for name, n := range counts[2] {
		p.Calls[name] = max(0, float64(n-counts[1][name])/(traceLong-traceShort))
	}
	return nil
}

// traced counts the system calls of a load on a server that is traced into a file.
func (m *comparison) traced(
	ctx context.Context, server *target.Server, file string, requests int,
) (map[string]int, error) {
	l, err := m.lightLoad(server)
	if err != nil {
		return nil, err
	}
	l.Once, l.Duration, l.Cores = true, countTimeMax, nil
	l.Objects = cycle(l.Objects, requests)
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	if err := runAll(ctx, l); err != nil {
		return nil, err
	}
	return profile.Calls(f)
}

// cycle repeats objects until there are n.
func cycle(objects []load.Object, n int) (out []load.Object) {
	for i := range n {
		out = append(out, objects[i%len(objects)])
	}
	return out
}
