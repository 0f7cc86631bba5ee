package syncpool_test

import (
	"testing"

	"flashstore/arena"
	"flashstore/arena/arenatest"
	"flashstore/arena/syncpool"
)

func newAllocator(t testing.TB, budgetBytes int64) arena.Allocator {
	t.Helper()
	a, err := syncpool.New(syncpool.Config{BudgetBytes: budgetBytes})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) { arenatest.Run(t, newAllocator) }

func BenchmarkAllocator(b *testing.B) { arenatest.Bench(b, newAllocator) }

func TestConfig(t *testing.T) {
	for _, budgetBytes := range []int64{-1, 1} {
		if _, err := syncpool.New(syncpool.Config{BudgetBytes: budgetBytes}); err == nil {
			t.Errorf("budget of %d bytes accepted", budgetBytes)
		}
	}
}

func TestResetTime(t *testing.T) { arenatest.ResetTime(t, newAllocator) }
