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
// synced writes a second. Only programs built with the tag planted have it.
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

func burn(share float64) {
	for {
		start := time.Now()
		for time.Since(start) < time.Duration(share*float64(burnPeriod)) {
		}
		time.Sleep(time.Until(start.Add(burnPeriod)))
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
