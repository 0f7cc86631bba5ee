package local_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fio is the yardstick: the Flexible I/O tester of Jens Axboe, in any version since 3.0, as a
// process.
type fio struct {
	dir     string
	missing string // why there is none, for people
	version string
	// async is the engine for writes in flight. What io_uring gives fio differs from machine
	// to machine; libaio is everywhere.
	async string
}

func newFio(dir string) fio {
	f := fio{dir: dir, async: "libaio"}
	out, err := exec.Command("fio", "--version").Output()
	if err != nil {
		f.missing = fmt.Sprintf("fio does not run here (%v); Debian has it as the package fio", err)
		return f
	}
	f.version = strings.TrimSpace(string(out))
	return f
}

// fioResult is what one run moved.
type fioResult struct {
	perSecond float64 // writes
	cpuMicros float64 // of fio, per write
}

// overwrite is the rate of O_DIRECT and O_DSYNC overwrites, one at a time, in a file that was
// written before.
func (f fio) overwrite(t *testing.T, opBytes int) fioResult {
	t.Helper()
	const fileBytes = 64 << 20
	name := filepath.Join(f.dir, "fio-overwrite")
	if _, err := os.Stat(name); err != nil {
		f.run(t, "--filename="+name, "--ioengine=psync", "--direct=1", "--rw=write", "--bs=1m",
			fmt.Sprintf("--size=%d", fileBytes), "--end_fsync=1")
	}
	return f.run(t, "--filename="+name, "--ioengine=psync", "--direct=1", "--sync=dsync",
		"--rw=write", fmt.Sprintf("--bs=%d", opBytes), fmt.Sprintf("--size=%d", fileBytes),
		"--overwrite=1", "--time_based", runtimeOption())
}

// stream is the rate of 1 MiB writes, O_DIRECT, eight in flight, one behind the other through
// fallocated files, with an fdatasync every 8 MiB.
func (f fio) stream(t *testing.T) fioResult {
	t.Helper()
	const fileBytes, files = 256 << 20, 48
	dir := filepath.Join(f.dir, "fio-stream")
	must(t, os.MkdirAll(dir, 0o700))
	defer removeSynced(t, dir)
	return f.run(t, "--directory="+dir, "--ioengine="+f.async, "--direct=1", "--iodepth=8",
		"--rw=write", "--bs=1m", fmt.Sprintf("--filesize=%d", fileBytes), fmt.Sprintf("--nrfiles=%d", files),
		"--file_service_type=sequential", "--fallocate=native", "--fdatasync=8",
		"--time_based", runtimeOption())
}

func runtimeOption() string {
	return fmt.Sprintf("--runtime=%dms", *targetTimeFlag/time.Millisecond)
}

func (f fio) run(t *testing.T, args ...string) fioResult {
	t.Helper()
	cmd := exec.Command("fio", append([]string{"--name=flashstore", "--output-format=json"}, args...)...)
	cmd.Dir = f.dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	var report struct {
		Jobs []struct {
			Write struct {
				TotalIOs  int64   `json:"total_ios"`
				RuntimeMS float64 `json:"runtime"`
			}
		}
	}
	if i := strings.IndexByte(string(out), '{'); i > 0 {
		out = out[i:] // remarks come before the report
	}
	must(t, json.Unmarshal(out, &report))
	if len(report.Jobs) != 1 || report.Jobs[0].Write.RuntimeMS == 0 {
		t.Fatalf("%s wrote nothing:\n%s", cmd, out)
	}
	w, p := report.Jobs[0].Write, cmd.ProcessState
	return fioResult{perSecond: float64(w.TotalIOs) / w.RuntimeMS * 1000,
		cpuMicros: float64((p.UserTime() + p.SystemTime()).Microseconds()) / float64(w.TotalIOs)}
}
