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

// profileDir is the variable that lets a server profile itself: SIGUSR1 begins, SIGUSR2 ends and
// writes cpu, heap, block and mutex.pprof and runtime.json into that folder, and done last. The
// rates of block and mutex cost something all the time, so without the variable nothing is set.
const profileDir = "FLASHPROFILE_DIR"

// Rates at which events are sampled.
const (
	blockRate     = 10_000 // nanoseconds blocked a sample
	mutexFraction = 10     // of contended unlocks, one in so many
)

// profileOnSignals waits for the signals in the background, where the variable is set.
func profileOnSignals(log *slog.Logger) {
	dir := os.Getenv(profileDir)
	if dir == "" {
		return
	}
	runtime.SetBlockProfileRate(blockRate)
	runtime.SetMutexProfileFraction(mutexFraction)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	log.Warn("this server profiles itself on signals", "dir", dir)
	go func() {
		var p profiling
		for s := range signals {
			var err error
			if s == syscall.SIGUSR1 {
				err = p.begin(dir)
			} else {
				err = p.end(dir)
			}
			if err != nil {
				log.Error("profile", "error", err)
			}
		}
	}()
}

// profiling is a window under way.
type profiling struct {
	cpu    *os.File
	before runtime.MemStats
	began  time.Time
}

func (p *profiling) begin(dir string) (err error) {
	if p.cpu != nil {
		return errors.New("a window is open already")
	}
	if p.cpu, err = os.Create(filepath.Join(dir, "cpu.pprof")); err != nil {
		return err
	}
	runtime.ReadMemStats(&p.before)
	p.began = time.Now()
	return pprof.StartCPUProfile(p.cpu)
}

func (p *profiling) end(dir string) error {
	if p.cpu == nil {
		return errors.New("no window is open")
	}
	pprof.StopCPUProfile()
	err := p.cpu.Close()
	p.cpu = nil
	for _, kind := range []string{"heap", "block", "mutex"} {
		f, createErr := os.Create(filepath.Join(dir, kind+".pprof"))
		if createErr != nil {
			return errors.Join(err, createErr)
		}
		err = errors.Join(err, pprof.Lookup(kind).WriteTo(f, 0), f.Close())
	}
	err = errors.Join(err, p.runtime(filepath.Join(dir, "runtime.json")))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "done"), nil, 0o600)
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
