package arenatest

import (
	"errors"
	"slices"
	"testing"
	"unsafe"

	"flashstore/arena"
)

// NewFunc makes an allocator with a budget (a multiple of 2 MiB) and at least two homes.
// The suite closes it.
type NewFunc func(t testing.TB, budgetBytes int64) arena.Allocator

const (
	budgetBytes  = 4 << 20
	budgetBlocks = budgetBytes / arena.BlockBytes
)

// Run runs the suite.
func Run(t *testing.T, newAllocator NewFunc) {
	t.Helper()
	cases := []struct {
		name string
		run  func(*testing.T, arena.Allocator)
	}{
		{"Blocks", blocks},
		{"BudgetIsExact", budgetIsExact},
		{"BlocksTravelBetweenHomes", blocksTravel},
		{"BorrowNone", borrowNone},
		{"ArenaAllocations", arenaAllocations},
		{"ArenaHoldsNothingAtFirst", arenaHoldsNothing},
		{"ArenaOverBlock", arenaOverBlock},
		{"ArenaExhausted", arenaExhausted},
		{"Stats", stats},
		{"ConcurrentBorrowers", concurrentBorrowers},
		{"ConcurrentAtTheEdge", concurrentAtTheEdge},
		{"ConcurrentArenas", concurrentArenas},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := newAllocator(t, budgetBytes)
			c.run(t, a)
			if n := a.Stats().BlocksInUse; n != 0 {
				t.Fatalf("%d blocks in use at the end", n)
			}
			if err := a.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		})
	}
	t.Run("Close", func(t *testing.T) { closing(t, newAllocator(t, budgetBytes)) })
}

func borrow(t testing.TB, a arena.Allocator, n, home int) []*arena.Block {
	t.Helper()
	list := make([]*arena.Block, n)
	if err := a.Borrow(list, home); err != nil {
		t.Fatal(err)
	}
	return list
}

func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }

func blocks(t *testing.T, a arena.Allocator) {
	list := borrow(t, a, budgetBlocks, 0)
	seen := map[uintptr]bool{}
	for i, b := range list {
		if len(b.Bytes) != arena.BlockBytes || cap(b.Bytes) != arena.BlockBytes {
			t.Fatalf("length %d, capacity %d", len(b.Bytes), cap(b.Bytes))
		}
		at := address(b.Bytes)
		if at%arena.AlignBytes != 0 || seen[at] {
			t.Fatalf("block at %#x: misaligned, or lent twice", at)
		}
		seen[at] = true
		fill(b.Bytes, uint64(i))
	}
	for i, b := range list {
		if !filled(b.Bytes, uint64(i)) {
			t.Fatalf("block %d overlaps another", i)
		}
	}
	a.Return(list)
}

func budgetIsExact(t *testing.T, a arena.Allocator) {
	for round := range 3 {
		list := borrow(t, a, budgetBlocks-1, round)
		two := make([]*arena.Block, 2)
		if err := a.Borrow(two, 0); !errors.Is(err, arena.ErrExhausted) {
			t.Fatalf("two blocks where one is left: %v", err)
		}
		one := borrow(t, a, 1, round+1)
		if err := a.Borrow(two[:1], 1); !errors.Is(err, arena.ErrExhausted) {
			t.Fatalf("one block where none is left: %v", err)
		}
		a.Return(one)
		a.Return(list)
	}
	if n := a.Stats().Exhausted; n != 6 {
		t.Errorf("Exhausted is %d, not 6", n)
	}
}

// blocksTravel empties the allocator from one home, then from another, then in a mix.
func blocksTravel(t *testing.T, a arena.Allocator) {
	for home := range 4 {
		a.Return(borrow(t, a, budgetBlocks, home))
	}
	var all []*arena.Block
	for i := range budgetBlocks {
		all = append(all, borrow(t, a, 1, i)...)
	}
	slices.Reverse(all)
	a.Return(all)
	a.Return(borrow(t, a, budgetBlocks, -7))
}

func borrowNone(t *testing.T, a arena.Allocator) {
	list := borrow(t, a, budgetBlocks, 0)
	if err := a.Borrow(nil, 0); err != nil {
		t.Fatal(err)
	}
	a.Return(nil)
	a.Return(list)
}

func stats(t *testing.T, a arena.Allocator) {
	if n := a.Stats().BudgetBytes; n != budgetBytes {
		t.Errorf("budget %d", n)
	}
	list := borrow(t, a, 5, 0)
	s := a.Stats()
	if s.BlocksBorrowed != 5 || s.BlocksInUse != 5 || s.BlocksReturned != 0 {
		t.Errorf("after 5 blocks: %+v", s)
	}
	if s.ReservedBytes < 5*arena.BlockBytes || s.ReservedBytes > budgetBytes {
		t.Errorf("reserved %d bytes", s.ReservedBytes)
	}
	a.Return(list[:2])
	a.Return(list[2:])
	s = a.Stats()
	if s.BlocksBorrowed != 5 || s.BlocksInUse != 0 || s.BlocksReturned != 5 {
		t.Errorf("after their return: %+v", s)
	}
	if a.Properties().Name == "" {
		t.Error("no name")
	}
}

func closing(t *testing.T, a arena.Allocator) {
	list := borrow(t, a, 3, 0)
	if err := a.Close(); err == nil {
		t.Fatal("Close with three blocks out says nothing")
	}
	fill(list[0].Bytes, 1) // a late writer must not meet unmapped memory
	a.Return(list)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatalf("Close after the return: %v", err)
		}
	}
	if err := a.Borrow(list, 0); !errors.Is(err, arena.ErrExhausted) {
		t.Fatalf("Borrow after Close: %v", err)
	}
	if n := a.Stats().BlocksInUse; n != 0 {
		t.Fatalf("%d blocks in use after Close", n)
	}
}
