package arenatest

import (
	"testing"
	"time"
)

const (
	resetsMeasured = 300
	resetsMany     = 10_000 // allocations, of 8 bytes: two blocks
	// resetFactor is far above what two blocks instead of one cost, and far below what a step for
	// each allocation would.
	resetFactor = 20
)

// ResetTime checks that a Reset costs the same however many allocations it frees. It compares the
// quickest of many, which other work on the machine does not spoil.
func ResetTime(t *testing.T, newAllocator NewFunc) {
	t.Helper()
	a := newAllocator(t, budgetBytes)
	quickest := func(allocations int) time.Duration {
		scratch, least := a.NewArena(0), time.Hour
		for range resetsMeasured {
			for range allocations {
				scratch.Alloc(8)[0] = 1
			}
			began := time.Now()
			scratch.Reset()
			least = min(least, time.Since(began))
		}
		return least
	}
	one, many := quickest(1), quickest(resetsMany)
	t.Logf("Reset after 1 allocation %v, after %d %v", one, resetsMany, many)
	if many > resetFactor*max(one, 50*time.Nanosecond) {
		t.Errorf("Reset after %d allocations takes %v, after one %v", resetsMany, many, one)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
