package guarded

import (
	"fmt"
	"sync"

	"flashstore/arena"
)

// Config of an Allocator.
type Config struct {
	BudgetBytes int64 // of blocks lent at a time, rounded down to whole ones
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.BudgetBytes < arena.BlockBytes || c.BudgetBytes > 1<<40 {
		return fmt.Errorf("guarded: budget must be %d to %d bytes, not %d", arena.BlockBytes,
			int64(1)<<40, c.BudgetBytes)
	}
	return nil
}

// Allocator lends blocks between guard pages.
type Allocator struct {
	ledger *arena.Ledger
	region *region

	mu     sync.Mutex
	loans  map[*arena.Block]loan
	arenas map[*scratch]struct{} // those that hold allocations
}

// loan is one block that is out. An arena's blocks are told by its allocations.
type loan struct {
	site  site
	arena *scratch // nil: lent by Borrow
}

var _ arena.Allocator = (*Allocator)(nil)

// New reserves address space for the budget and the guards.
func New(c Config) (*Allocator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	region, err := reserve(int(c.BudgetBytes / arena.BlockBytes))
	if err != nil {
		return nil, err
	}
	return &Allocator{ledger: arena.NewLedger(c.BudgetBytes), region: region,
		loans:  make(map[*arena.Block]loan),
		arenas: make(map[*scratch]struct{})}, nil
}

// Borrow fills dst with blocks, or returns ErrExhausted and lends none.
func (a *Allocator) Borrow(dst []*arena.Block, _ int) error {
	return a.lend(dst, loan{site: caller()})
}

func (a *Allocator) lend(dst []*arena.Block, l loan) error {
	if err := a.ledger.Take(len(dst)); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range dst {
		b, err := a.region.open()
		if err != nil {
			for _, b := range dst[:i] {
				a.end(b)
			}
			clear(dst)
			a.ledger.Cancel(len(dst))
			return fmt.Errorf("%w: %w", arena.ErrExhausted, err)
		}
		dst[i] = b
		a.loans[b] = l
	}
	return nil
}

// Return gives blocks back. It panics if one is not lent, or belongs to an arena.
func (a *Allocator) Return(blocks []*arena.Block) { a.returned(blocks, nil) }

func (a *Allocator) returned(blocks []*arena.Block, owner *scratch) {
	a.mu.Lock()
	for _, b := range blocks {
		if l, ok := a.loans[b]; !ok || l.arena != owner {
			a.mu.Unlock()
			panic(fmt.Sprintf("guarded: block %d is returned by %s, but not lent", b.Slot, caller()))
		}
		a.end(b)
	}
	a.mu.Unlock()
	a.ledger.Give(len(blocks))
}

// end takes a block off the books and its memory out of reach; mu is held.
func (a *Allocator) end(b *arena.Block) {
	delete(a.loans, b)
	a.region.shut(b)
}

// NewArena returns an arena that records what is taken from it.
func (a *Allocator) NewArena(int) arena.Arena { return &scratch{allocator: a} }

// Stats counts since New. ReservedBytes is what is lent.
func (a *Allocator) Stats() arena.Stats {
	s := a.ledger.Stats()
	s.ReservedBytes = s.BlocksInUse * arena.BlockBytes
	return s
}

// Properties says what this allocator is.
func (a *Allocator) Properties() arena.Properties {
	return arena.Properties{Name: "arena", OffHeap: true}
}

// Close unmaps the region, or lists what was not given back, by the place that took it.
func (a *Allocator) Close() error {
	if err := a.ledger.Close(); err != nil {
		return fmt.Errorf("%w:\n%s", err, a.Leaks())
	}
	return a.region.release()
}
