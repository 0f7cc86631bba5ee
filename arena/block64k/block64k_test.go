package block64k_test

import (
	"testing"

	"flashstore/arena"
	"flashstore/arena/arenatest"
	"flashstore/arena/block64k"
)

func newAllocator(t testing.TB, budgetBytes int64) arena.Allocator {
	t.Helper()
	a, err := block64k.New(block64k.Config{BudgetBytes: budgetBytes, Homes: 3})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) { arenatest.Run(t, newAllocator) }

func BenchmarkAllocator(b *testing.B) { arenatest.Bench(b, newAllocator) }

func TestConfig(t *testing.T) {
	for _, budgetBytes := range []int64{-1, 1} {
		if _, err := block64k.New(block64k.Config{BudgetBytes: budgetBytes}); err == nil {
			t.Errorf("budget of %d bytes accepted", budgetBytes)
		}
	}
}

// TestFewBlocksAreWarm: after a burst, a request at a time is served from the few blocks that
// were returned last, not from all that the burst needed in turn.
func TestFewBlocksAreWarm(t *testing.T) {
	const burst, hold, rounds = 1000, 3, 5000
	a := newAllocator(t, burst*arena.BlockBytes)
	all := make([]*arena.Block, burst)
	if err := a.Borrow(all, 1); err != nil {
		t.Fatal(err)
	}
	a.Return(all)
	seen := map[uint32]bool{}
	for range rounds {
		some := make([]*arena.Block, hold)
		for i := range some {
			if err := a.Borrow(some[i:i+1], 1); err != nil {
				t.Fatal(err)
			}
			seen[some[i].Slot] = true
		}
		for i := range some {
			a.Return(some[i : i+1])
		}
	}
	if len(seen) > hold {
		t.Fatalf("%d blocks were touched, %d at a time", len(seen), hold)
	}
	if err := a.Borrow(all, 1); err != nil { // none got lost
		t.Fatal(err)
	}
	a.Return(all)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestResetTime(t *testing.T) { arenatest.ResetTime(t, newAllocator) }
