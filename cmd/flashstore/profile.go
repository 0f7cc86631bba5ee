package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

// profileDir is the variable that lets a server profile itself: SIGUSR1 begins a window, SIGUSR2
// ends it. Into that folder go heap-before.pprof at the beginning, whose allocations are those of
// the start, and cpu, heap, block and mutex.pprof, runtime.json, and done last, at the end. Without
// the variable nothing is set, and outside of the window the rates of block and mutex are 0: they
// cost something, and a start blocks long.
const profileDir = "FLASHPROFILE_DIR"

// Rates at which events are sampled.
const (
	blockRate     = 10_000 // nanoseconds blocked a sample
	mutexFraction = 10     // of contended unlocks, one in so many
)

// profileOnSignals waits for the signals in the background, where the variable is set. What this
// goroutine does and waits for is in the profiles too; flashbench leaves it out by its name.
func profileOnSignals(log *slog.Logger) {
	dir := os.Getenv(profileDir)
	if dir == "" {
		return
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	log.Warn("this server profiles itself on signals", "dir", dir)
	go func() {
		p := profiling{dir: dir}
		for s := range signals {
			var err error
			if s == syscall.SIGUSR1 {
				err = p.begin()
			} else {
				err = p.end()
			}
			if err != nil {
				log.Error("profile", "error", err)
			}
		}
	}()
}

// profiling is a window under way.
type profiling struct {
	dir    string
	cpu    *os.File
	before runtime.MemStats
	began  time.Time
}

func (p *profiling) begin() (err error) {
	if p.cpu != nil {
		return errors.New("a window is open already")
	}
	if err := p.writeHeap("heap-before"); err != nil {
		return err
	}
	if p.cpu, err = os.Create(p.file("cpu.pprof")); err != nil {
		return err
	}
	runtime.SetBlockProfileRate(blockRate)
	runtime.SetMutexProfileFraction(mutexFraction)
	runtime.ReadMemStats(&p.before)
	p.began = time.Now()
	return pprof.StartCPUProfile(p.cpu)
}

func (p *profiling) end() error {
	if p.cpu == nil {
		return errors.New("no window is open")
	}
	runtime.SetBlockProfileRate(0)
	runtime.SetMutexProfileFraction(0)
	pprof.StopCPUProfile()
	err := p.cpu.Close()
	p.cpu = nil
	// What the collector did is read before the collection that the heap's profile wants.
	err = errors.Join(err, p.runtime(p.file("runtime.json")), p.writeHeap("heap"),
		p.write("block", "block"), p.write("mutex", "mutex"))
	if err != nil {
		return err
	}
	return os.WriteFile(p.file("done"), nil, 0o600)
}

func (p *profiling) file(name string) string { return filepath.Join(p.dir, name) }

// writeHeap collects first: a profile of the heap is of the time of the last collection.
func (p *profiling) writeHeap(name string) error {
	runtime.GC()
	return p.write("heap", name)
}

func (p *profiling) write(kind, name string) error {
	f, err := os.Create(p.file(name + ".pprof"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(kind).WriteTo(f, 0), f.Close())
}

// runtime writes what the garbage collector did in the window.
func (p *profiling) runtime(file string) error {
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	longest := uint64(0)
	count := after.NumGC - p.before.NumGC
	for i := range min(count, uint32(len(after.PauseNs))) {
		longest = max(longest, after.PauseNs[(after.NumGC-i+255)%256])
	}
	text, err := json.Marshal(map[string]float64{
		"seconds":           time.Since(p.began).Seconds(),
		"gc_cycles":         float64(count),
		"gc_pause_total_us": float64(after.PauseTotalNs-p.before.PauseTotalNs) / 1e3,
		"gc_pause_max_us":   float64(longest) / 1e3,
		"heap_objects":      float64(after.Mallocs - p.before.Mallocs),
		"heap_bytes":        float64(after.TotalAlloc - p.before.TotalAlloc),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
