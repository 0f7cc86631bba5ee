package e2e

import (
	"fmt"
	"testing"
)

const (
	historyLength      = 120
	historyLengthShort = 40
	historiesAtOnce    = 4 // a history waits for the disk most of the time
)

// allAxes are all combinations of the swappable parts.
func allAxes() (all []axes) {
	for _, n := range []string{"epoll", "nethttp", "netconn"} {
		for _, a := range []string{"arena", "syncpool", "heap"} {
			for _, e := range []string{"uring", "threadpool"} {
				all = append(all, axes{n, a, e})
			}
		}
	}
	return all
}

// TestAllCombinationsGiveEqualHistories runs one random list of operations over every
// combination of parts: each must answer what S3 says, to the byte.
func TestAllCombinationsGiveEqualHistories(t *testing.T) {
	length := historyLength
	if testing.Short() {
		length = historyLengthShort
	}
	operations := newHistory(newRand(t), length)
	want := make([]string, len(operations))
	model := newOracle()
	for i := range operations {
		want[i] = model.run(&operations[i])
	}
	slots := make(chan struct{}, historiesAtOnce)
	for _, combination := range allAxes() {
		t.Run(combination.String(), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			r := runner{newServer(t, 4, combination.args()...).start()}
			for i := range operations {
				if got := r.run(&operations[i]); got != want[i] {
					t.Fatalf("operation %d, %s:\n got %s\nwant %s", i, operations[i].String(),
						clip(got), clip(want[i]))
				}
			}
			r.stop()
		})
	}
}

func clip(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:most], len(s))
}
