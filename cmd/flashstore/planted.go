//go:build planted

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// plant makes the whole program slower as FLASHPLANTED says, so that it can be seen whether
// the gate notices (docs/gate.md): "burn=5%" wastes that share of a core, "sync=200" does as many
// synced writes a second below TMPDIR. Only programs built with the tag planted have it.
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

// burnPeriod is short against a leg and long against a request.
const burnPeriod = 2 * time.Millisecond

// burn wastes what it owes since it began, also for sleeps that were longer than asked for.
func burn(share float64) {
	began, burned := time.Now(), time.Duration(0)
	for ; ; time.Sleep(burnPeriod) {
		start := time.Now()
		owed := time.Duration(share*float64(start.Sub(began))) - burned
		for time.Since(start) < owed {
		}
		burned += time.Since(start)
	}
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
