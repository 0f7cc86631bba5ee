package arena_test

import (
	"errors"
	"testing"

	"flashstore/arena"
	"flashstore/arena/heap"
)

// TestShare: a share that is used up leaves the rest of the budget to others, and the whole being
// used up leaves the share as it was.
func TestShare(t *testing.T) {
	whole, err := heap.New(heap.Config{BudgetBytes: 4 * arena.BlockBytes})
	if err != nil {
		t.Fatal(err)
	}
	share := arena.NewShare(whole, 2*arena.BlockBytes)
	if share.Crowded() {
		t.Error("crowded, and nothing is out")
	}
	ours, others := make([]*arena.Block, 2), make([]*arena.Block, 2)
	if err := errors.Join(share.Borrow(ours, 0), whole.Borrow(others, 0)); err != nil {
		t.Fatal(err)
	}
	whole.Return(others)
	if unlimited := arena.NewShare(whole, 0); !share.Crowded() || unlimited.Crowded() {
		t.Errorf("crowded: %t, without a limit %t", share.Crowded(), unlimited.Crowded())
	}
	one := make([]*arena.Block, 1)
	if err := share.Borrow(one, 0); !errors.Is(err, arena.ErrExhausted) || share.Exhausted() != 1 {
		t.Errorf("a block over the share: %v", err)
	}
	if err := share.Close(); err == nil {
		t.Error("closed with two blocks out")
	}
	share.Return(ours)

	all := make([]*arena.Block, 4)
	if err := whole.Borrow(all, 0); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := share.Borrow(one, 0); !errors.Is(err, arena.ErrExhausted) {
			t.Errorf("a block over the whole: %v", err)
		}
	}
	whole.Return(all)
	if err := share.Borrow(ours, 0); err != nil {
		t.Errorf("the share after that: %v", err)
	}
	share.Return(ours)
	if err := errors.Join(share.Close(), whole.Close()); err != nil {
		t.Error(err)
	}
}
