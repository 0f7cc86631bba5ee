package arenatest

import (
	"math/rand/v2"
	"testing"

	"flashstore/arena"
)

// arenaAllocations takes random sizes; each allocation keeps its bytes until Reset.
func arenaAllocations(t *testing.T, a arena.Allocator) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	scratch := a.NewArena(1)
	var allocations uint64
	for round := range 5 {
		var taken [][]byte
		for total := 0; total < budgetBytes/3; {
			n := random.IntN(300)
			if random.IntN(20) == 0 {
				n = random.IntN(arena.BlockBytes + 1)
			}
			p := scratch.Alloc(n)
			if p == nil || len(p) != n || cap(p) != n {
				t.Fatalf("seed %d: Alloc(%d): length %d, capacity %d", seed, n, len(p), cap(p))
			}
			if n >= 8 && address(p)%8 != 0 {
				t.Fatalf("seed %d: Alloc(%d) is not aligned to 8", seed, n)
			}
			fill(p, uint64(len(taken)))
			taken = append(taken, p)
			total += n
		}
		allocations += uint64(len(taken))
		for i, p := range taken {
			if !filled(p, uint64(i)) {
				t.Fatalf("seed %d, round %d: allocation %d was overwritten", seed, round, i)
			}
		}
		scratch.Reset()
		if n := a.Stats().BlocksInUse; n != 0 {
			t.Fatalf("seed %d: %d blocks in use after Reset", seed, n)
		}
	}
	s := a.Stats()
	if s.Allocations != allocations || s.Resets != 5 || s.HeapFallbacks != 0 {
		t.Fatalf("seed %d: %d allocations: %+v", seed, allocations, s)
	}
}

func arenaHoldsNothing(t *testing.T, a arena.Allocator) {
	scratch := a.NewArena(0)
	if n := a.Stats().BlocksInUse; n != 0 {
		t.Fatalf("%d blocks in use by an arena without allocations", n)
	}
	scratch.Reset()
	if p := scratch.Alloc(0); p == nil || len(p) != 0 {
		t.Fatalf("Alloc(0): %v", p)
	}
	scratch.Reset()
}

func arenaOverBlock(t *testing.T, a arena.Allocator) {
	scratch := a.NewArena(0)
	small := scratch.Alloc(100)
	fill(small, 1)
	big := scratch.Alloc(arena.BlockBytes + 1)
	fill(big, 2)
	exact := scratch.Alloc(arena.BlockBytes)
	fill(exact, 3)
	if !filled(small, 1) || !filled(big, 2) || !filled(exact, 3) {
		t.Fatal("allocations overlap")
	}
	scratch.Reset()
	if n := a.Stats().HeapFallbacks; n != 1 {
		t.Fatalf("%d heap fallbacks, not 1", n)
	}
}

func arenaExhausted(t *testing.T, a arena.Allocator) {
	list := borrow(t, a, budgetBlocks, 0)
	scratch := a.NewArena(0)
	p := scratch.Alloc(1000)
	if len(p) != 1000 {
		t.Fatalf("Alloc without budget: %d bytes", len(p))
	}
	fill(p, 4)
	a.Return(list)
	fill(scratch.Alloc(1000), 5)
	if !filled(p, 4) {
		t.Fatal("allocations overlap")
	}
	scratch.Reset()
}
