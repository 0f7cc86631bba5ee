package syncpool

import (
	"fmt"
	"sync"

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
		return fmt.Errorf("syncpool: a budget of %d bytes holds no block", c.BudgetBytes)
	}
	return nil
}

// lent and pooled are the values of Block.Slot; they catch a block that is returned twice
// before it is lent again.
const (
	pooled = iota
	lent
)

// Allocator lends blocks from a sync.Pool.
type Allocator struct {
	ledger *arena.Ledger
	pool   sync.Pool
}

var _ arena.Allocator = (*Allocator)(nil)

// New returns an allocator with an empty pool.
func New(c Config) (*Allocator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &Allocator{ledger: arena.NewLedger(c.BudgetBytes)}
	a.pool.New = func() any {
		b := arena.MakeBlock()
		arena.Poison(b) // as if it had been returned
		return b
	}
	return a, nil
}

// Borrow fills dst from the pool.
func (a *Allocator) Borrow(dst []*arena.Block, _ int) error {
	if err := a.ledger.Take(len(dst)); err != nil {
		return err
	}
	for i := range dst {
		b := a.pool.Get().(*arena.Block)
		arena.CheckPoison(b)
		b.Slot = lent
		dst[i] = b
	}
	return nil
}

// Return puts blocks into the pool.
func (a *Allocator) Return(blocks []*arena.Block) {
	for _, b := range blocks {
		if b.Slot != lent {
			panic("syncpool: block returned twice")
		}
		b.Slot = pooled
		arena.Poison(b)
		a.pool.Put(b)
	}
	a.ledger.Give(len(blocks))
}

// NewArena returns an empty arena.
func (a *Allocator) NewArena(home int) arena.Arena { return arena.NewBump(a, a.ledger, home) }

// Stats counts since New. ReservedBytes is what is in use: the pool's size is not known.
func (a *Allocator) Stats() arena.Stats {
	s := a.ledger.Stats()
	s.ReservedBytes = s.BlocksInUse * arena.BlockBytes
	return s
}

// Properties says what this allocator is.
func (a *Allocator) Properties() arena.Properties { return arena.Properties{Name: "syncpool"} }

// Close says how many blocks were not returned.
func (a *Allocator) Close() error { return a.ledger.Close() }
