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
