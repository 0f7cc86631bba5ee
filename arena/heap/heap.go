package heap

import (
	"fmt"

	"flashstore/arena"
)

// Config of an Allocator. The zero value is the default.
type Config struct {
	// BudgetBytes bounds the blocks in use; 0: without limit.
	BudgetBytes int64
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.BudgetBytes < 0 || c.BudgetBytes > 0 && c.BudgetBytes < arena.BlockBytes {
		return fmt.Errorf("heap: a budget of %d bytes holds no block", c.BudgetBytes)
	}
	return nil
}

// Allocator makes blocks and forgets them.
type Allocator struct {
	ledger *arena.Ledger
}

var _ arena.Allocator = (*Allocator)(nil)

// New returns an allocator.
func New(c Config) (*Allocator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Allocator{ledger: arena.NewLedger(c.BudgetBytes)}, nil
}

// Borrow fills dst with new blocks.
func (a *Allocator) Borrow(dst []*arena.Block, _ int) error {
	if err := a.ledger.Take(len(dst)); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = arena.MakeBlock()
	}
	return nil
}

// Return books the blocks back; the collector frees them.
func (a *Allocator) Return(blocks []*arena.Block) {
	for _, b := range blocks {
		arena.Poison(b)
	}
	a.ledger.Give(len(blocks))
}

// NewArena returns an arena whose every Alloc is a make.
func (a *Allocator) NewArena(int) arena.Arena { return &scratch{ledger: a.ledger} }

// Stats counts since New. ReservedBytes is what is in use.
func (a *Allocator) Stats() arena.Stats {
	s := a.ledger.Stats()
	s.ReservedBytes = s.BlocksInUse * arena.BlockBytes
	return s
}

// Properties says what this allocator is.
func (a *Allocator) Properties() arena.Properties { return arena.Properties{Name: "heap"} }

// Close says how many blocks were not returned.
func (a *Allocator) Close() error { return a.ledger.Close() }

// scratch is an Arena that only counts. Everything it gives is from the heap by design;
// HeapFallbacks counts only what a real arena could not have served either.
type scratch struct {
	ledger      *arena.Ledger
	allocations uint64
	fallbacks   uint64
}

func (s *scratch) Alloc(n int) []byte {
	s.allocations++
	if n > arena.BlockBytes {
		s.fallbacks++
	}
	return arena.MakeBytes(n)
}

func (s *scratch) Reset() {
	s.ledger.CountReset(s.allocations, s.fallbacks)
	s.allocations, s.fallbacks = 0, 0
}
