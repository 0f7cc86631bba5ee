package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/pair"
	"flashstore/bench/profile"
	"flashstore/bench/record"
	"flashstore/bench/target"
)

const (
	profileDone  = 20 * time.Second // a server has to write its profiles
	profilePoll  = 20 * time.Millisecond
	traceObjects = 2000 // requests of a leg under strace, which is slow
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
	cores, _ := m.cores()
	c := m.target(side, data, cores)
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	c.Env = append(c.Env, profileEnv+dir)
	server, err := target.Start(ctx, c)
	if err != nil {
		return err
	}
	defer server.Kill()
	var leg record.Leg
	if err := m.prove(ctx, server, side, &leg); err != nil {
		return err
	}
	if err := syscall.Kill(server.PID(), syscall.SIGUSR1); err != nil {
		return err
	}
	perf := startPerf(server.PID(), filepath.Join(dir, "perf.csv"), p)
	before := host.ContextSwitches(server.PID())
	a, err := m.applyLight(ctx, server, m.rate, m.scenario.Run.Duration)
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
	for _, kind := range profileKinds() {
		if p.Files[kind[0]], err = filepath.Rel(root, filepath.Join(dir, kind[0]+".pprof")); err != nil {
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

// startPerf counts events of a process until the function it returns is called.
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
	return func() {
		_ = cmd.Process.Signal(os.Interrupt) // it writes its counts then
		if err := cmd.Wait(); err != nil && !interrupted(err) {
			p.Notes = append(p.Notes, "perf stat is not allowed here: "+err.Error())
		}
	}
}

func interrupted(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

// traceLeg counts system calls per operation under strace.
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
	server, err := target.Start(ctx, c)
	if err != nil {
		p.Notes = append(p.Notes, "system calls: "+err.Error())
		return ctx.Err()
	}
	defer server.Kill()
	if err := server.MakeBucket(ctx); err != nil {
		return err
	}
	l, err := m.lightLoad(server)
	if err != nil {
		return err
	}
	l.Once, l.Duration, l.Cores = true, countTimeMax, nil
	l.Objects = l.Objects[:min(traceObjects, len(l.Objects))]
	from, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := runAll(ctx, l); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(from.Size(), 0); err != nil {
		return err
	}
	counts, err := profile.Calls(f)
	p.Calls = map[string]float64{}
	for name, n := range counts {
		p.Calls[name] = float64(n) / float64(len(l.Objects))
	}
	return err
}
