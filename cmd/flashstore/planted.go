//go:build planted

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// plant makes the whole program slower as FLASHPLANTED says, so that it can be seen whether
// the gate notices (docs/gate.md): "burn=5%" wastes that share of the CPU time that the rest of the
// program uses, "sync=200" does as many synced writes a second below TMPDIR. Only programs built
// with the tag planted have it.
func plant() {
	kind, amount, _ := strings.Cut(os.Getenv("FLASHPLANTED"), "=")
	n, err := strconv.ParseFloat(strings.TrimSuffix(amount, "%"), 64)
	switch {
	case kind == "":
		return
	case err != nil || n <= 0:
		fmt.Fprintf(os.Stderr, "flashstore: FLASHPLANTED: %q\n", amount)
		os.Exit(2)
	case kind == "burn":
		go burn(n / 100)
	case kind == "sync":
		go syncWrites(time.Duration(float64(time.Second) / n))
	}
}

// The periods are short against a slice of a leg and long against a request. At rest they grow:
// to wake up a thread 200 times a second is 3% of a core by itself.
const (
	burnPeriod = 5 * time.Millisecond
	restPeriod = 40 * time.Millisecond
)

// burn wastes its share of what the other threads use. A period in which they use less than a tenth
// of a core is rest and is not charged: a program that does nothing wastes nothing.
func burn(share float64) {
	runtime.LockOSThread()
	seen, period := time.Duration(0), burnPeriod
	for {
		time.Sleep(period)
		mine := used(unix.CLOCK_THREAD_CPUTIME_ID)
		others := used(unix.CLOCK_PROCESS_CPUTIME_ID) - mine
		owed := time.Duration(share * float64(others-seen))
		if others-seen < period/10 {
			owed, period = 0, min(2*period, restPeriod)
		} else {
			period = burnPeriod
		}
		for seen = others; used(unix.CLOCK_THREAD_CPUTIME_ID)-mine < owed; {
		}
	}
}

// used is the CPU time of a clock.
func used(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		fmt.Fprintln(os.Stderr, "flashstore: planted:", err)
		os.Exit(1)
	}
	return time.Duration(t.Nano())
}

func syncWrites(every time.Duration) {
	f, err := os.CreateTemp("", "planted")
	if err != nil {
		fmt.Fprintln(os.Stderr, "flashstore: planted:", err)
		os.Exit(1)
	}
	os.Remove(f.Name())
	block := make([]byte, 4<<10)
	for range time.Tick(every) {
		if _, err := f.WriteAt(block, 0); err == nil {
			err = f.Sync()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "flashstore: planted:", err)
			os.Exit(1)
		}
	}
}
