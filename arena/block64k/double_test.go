package block64k_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/arena"
	"flashstore/arena/block64k"
)

func newSmall(t *testing.T) *block64k.Allocator {
	t.Helper()
	if _, err := block64k.New(block64k.Config{BudgetBytes: 1, Homes: 1}); err == nil {
		t.Fatal("a budget of one byte accepted")
	}
	a, err := block64k.New(block64k.Config{BudgetBytes: arena.BlockBytes, Homes: 1})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestDoubleReturn: of two goroutines that return the same block, exactly one panics.
func TestDoubleReturn(t *testing.T) {
	a := newSmall(t)
	for range 200 {
		one := make([]*arena.Block, 1)
		if err := a.Borrow(one, 0); err != nil {
			t.Fatal(err)
		}
		var panics atomic.Int32
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				a.Return(one)
			})
		}
		both.Wait()
		if n := panics.Load(); n != 1 {
			t.Fatalf("%d of two returns of one block panicked", n)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestForeignBlock: a block of another allocator must not enter the lists.
func TestForeignBlock(t *testing.T) {
	a := newSmall(t)
	defer func() {
		if recover() == nil {
			t.Fatal("a foreign block was taken")
		}
	}()
	a.Return([]*arena.Block{arena.MakeBlock()})
}

// TestCommitsInSteps: memory is committed when it is needed, and reused before it grows.
func TestCommitsInSteps(t *testing.T) {
	a, err := block64k.New(block64k.Config{BudgetBytes: 8 << 20, Homes: 2})
	if err != nil {
		t.Fatal(err)
	}
	if n := a.Stats().ReservedBytes; n != 0 {
		t.Fatalf("%d bytes before the first block", n)
	}
	list := make([]*arena.Block, 32)
	for home := range 10 {
		if err := a.Borrow(list, home); err != nil {
			t.Fatal(err)
		}
		a.Return(list)
		if n := a.Stats().ReservedBytes; n != 2<<20 {
			t.Fatalf("%d bytes committed for 2 MiB of blocks", n)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}
