package arenatest

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"flashstore/arena"
)

const (
	borrowers = 8
	rounds    = 150
)

// loan is blocks on their way to whoever returns them.
type loan struct {
	blocks []*arena.Block
	seed   uint64
}

// concurrentBorrowers borrow, mark, and hand over to other goroutines, which check the marks
// and return: a block that is lent twice shows somebody else's mark (or the race detector).
func concurrentBorrowers(t *testing.T, a arena.Allocator) {
	seed := rand.Uint64()
	loans := make(chan loan, 4)
	var givers, takers sync.WaitGroup
	for g := range borrowers {
		givers.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(g)))
			for round := range rounds {
				list := make([]*arena.Block, 1+random.IntN(budgetBlocks/borrowers/2))
				if err := a.Borrow(list, g); err != nil {
					if !errors.Is(err, arena.ErrExhausted) {
						t.Errorf("seed %d: %v", seed, err)
					}
					runtime.Gosched()
					continue
				}
				l := loan{blocks: list, seed: uint64(g)<<32 | uint64(round)}
				for _, b := range list {
					mark(b.Bytes, l.seed)
				}
				loans <- l
			}
		})
		takers.Go(func() {
			for l := range loans {
				for _, b := range l.blocks {
					if !marked(b.Bytes, l.seed) {
						t.Errorf("seed %d: block lent twice", seed)
					}
				}
				a.Return(l.blocks)
			}
		})
	}
	givers.Wait()
	close(loans)
	takers.Wait()
}

// concurrentAtTheEdge shares the budget so that it is exactly used up when everybody holds
// a share: nobody may be refused, however unluckily they meet.
func concurrentAtTheEdge(t *testing.T, a arena.Allocator) {
	var all sync.WaitGroup
	for g := range borrowers {
		all.Go(func() {
			list := make([]*arena.Block, budgetBlocks/borrowers)
			for round := range rounds {
				if err := a.Borrow(list, g+round); err != nil {
					t.Errorf("borrower %d, round %d: %v", g, round, err)
					return
				}
				mark(list[0].Bytes, uint64(g))
				runtime.Gosched()
				if !marked(list[0].Bytes, uint64(g)) {
					t.Errorf("borrower %d, round %d: block lent twice", g, round)
				}
				a.Return(list)
			}
		})
	}
	all.Wait()
}

// concurrentArenas are requests on their own goroutines, over the budget at times.
func concurrentArenas(t *testing.T, a arena.Allocator) {
	seed := rand.Uint64()
	var all sync.WaitGroup
	for g := range borrowers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(g)))
			scratch := a.NewArena(g)
			for range rounds / 4 {
				var taken [][]byte
				for i := range 1 + random.IntN(20) {
					p := scratch.Alloc(8 + random.IntN(arena.BlockBytes))
					mark(p[:len(p)&^(4<<10-1)], uint64(g*1000+i))
					taken = append(taken, p)
				}
				for i, p := range taken {
					if !marked(p[:len(p)&^(4<<10-1)], uint64(g*1000+i)) {
						t.Errorf("seed %d: allocation shared", seed)
					}
				}
				scratch.Reset()
			}
		})
	}
	all.Wait()
}
