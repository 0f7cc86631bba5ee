package heap_test

import (
	"testing"

	"flashstore/arena"
	"flashstore/arena/arenatest"
	"flashstore/arena/heap"
)

func newAllocator(t testing.TB, budgetBytes int64) arena.Allocator {
	t.Helper()
	a, err := heap.New(heap.Config{BudgetBytes: budgetBytes})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) { arenatest.Run(t, newAllocator) }

func BenchmarkAllocator(b *testing.B) { arenatest.Bench(b, newAllocator) }

func TestConfig(t *testing.T) {
	for _, budgetBytes := range []int64{-1, 1} {
		if _, err := heap.New(heap.Config{BudgetBytes: budgetBytes}); err == nil {
			t.Errorf("budget of %d bytes accepted", budgetBytes)
		}
	}
}
