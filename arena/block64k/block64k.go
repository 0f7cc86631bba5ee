package block64k

import (
	"fmt"
	"runtime"

	"flashstore/arena"
)

// Allocator lends blocks of one region.
type Allocator struct {
	ledger *arena.Ledger
	region *region
	blocks []arena.Block // by slot; Bytes is set when the slot is carved
	links  links         // by slot
	homes  []home
}

var _ arena.Allocator = (*Allocator)(nil)

// New reserves the budget as address space; memory is committed as it is needed.
func New(c Config) (*Allocator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.BudgetBytes == 0 {
		c.BudgetBytes = BudgetDefaultBytes
	}
	if c.Homes == 0 {
		c.Homes = runtime.GOMAXPROCS(0)
	}
	budgetBytes := (c.BudgetBytes + stepBytes - 1) / stepBytes * stepBytes
	region, err := reserve(int(budgetBytes))
	if err != nil {
		return nil, err
	}
	count := int(budgetBytes / arena.BlockBytes)
	return &Allocator{
		ledger: arena.NewLedger(budgetBytes),
		region: region,
		blocks: make([]arena.Block, count),
		links:  make(links, count),
		homes:  make([]home, c.Homes),
	}, nil
}

// Borrow fills dst with blocks, or returns ErrExhausted and lends none. The system refusing
// memory within the budget is ErrExhausted too, wrapped with its errno.
func (a *Allocator) Borrow(dst []*arena.Block, home int) error {
	if err := a.ledger.Take(len(dst)); err != nil {
		return err
	}
	at := uint32(home) % uint32(len(a.homes))
	for found := 0; found < len(dst); {
		n, err := a.find(dst[found:], at)
		found += n
		if err != nil {
			a.giveAll(dst[:found])
			clear(dst)
			a.ledger.Cancel(len(dst))
			return fmt.Errorf("%w: %w", arena.ErrExhausted, err)
		}
		if found < len(dst) {
			// The ledger promised these blocks, so somebody is between taking them off a
			// list and putting them back. Rare: only at the very edge of the budget.
			runtime.Gosched()
		}
	}
	return nil
}

// find looks once in every place, the cheapest and most frugal first: home's own lists, what
// is committed and unused, other homes' lists, and only then new memory.
func (a *Allocator) find(dst []*arena.Block, home uint32) (int, error) {
	n := a.takeFrom(home, dst, home)
	carved, err := a.carve(dst[n:], home, false)
	n += carved
	for i := uint32(1); n < len(dst) && i < uint32(len(a.homes)); i++ {
		n += a.takeFrom((home+i)%uint32(len(a.homes)), dst[n:], home)
	}
	if err == nil && n < len(dst) {
		carved, err = a.carve(dst[n:], home, true)
		n += carved
	}
	return n, err
}

// takeFrom fills dst from the lists of one home; the blocks belong to home owner from now on.
func (a *Allocator) takeFrom(from uint32, dst []*arena.Block, owner uint32) int {
	var slots [16]uint32
	for done := 0; ; {
		want := min(len(slots), len(dst)-done)
		n := a.homes[from].take(a.links, slots[:want])
		for _, slot := range slots[:n] {
			b := &a.blocks[slot]
			arena.CheckPoison(b)
			b.Home = owner
			dst[done] = b
			done++
		}
		if n < len(slots) || done == len(dst) {
			return done
		}
	}
}

func (a *Allocator) carve(dst []*arena.Block, home uint32, mayCommit bool) (int, error) {
	for i := range dst {
		slot, ok, err := a.region.carve(mayCommit)
		if err != nil || !ok {
			return i, err
		}
		a.links[slot].Store(linkLent)
		a.blocks[slot] = arena.Block{Bytes: a.region.bytes(slot), Slot: slot, Home: home}
		dst[i] = &a.blocks[slot]
	}
	return len(dst), nil
}

// Return gives blocks back, each to its home. It panics if a block is not lent.
func (a *Allocator) Return(blocks []*arena.Block) {
	a.giveAll(blocks)
	a.ledger.Give(len(blocks))
}

// giveAll puts runs of blocks with the same home on that home's return list, one push a run.
func (a *Allocator) giveAll(blocks []*arena.Block) {
	for i := 0; i < len(blocks); {
		home, first := blocks[i].Home, blocks[i].Slot
		last := a.unlend(blocks[i])
		for i++; i < len(blocks) && blocks[i].Home == home; i++ {
			slot := a.unlend(blocks[i])
			a.links[last].Store(slot + 1)
			last = slot
		}
		a.homes[home].give(a.links, first, last)
	}
}

// unlend marks a block as no longer lent; of two callers with the same block one panics.
func (a *Allocator) unlend(b *arena.Block) uint32 {
	if b != &a.blocks[b.Slot] || !a.links[b.Slot].CompareAndSwap(linkLent, linkEnd) {
		panic(fmt.Sprintf("block64k: block %d is returned, but not lent", b.Slot))
	}
	arena.Poison(b)
	return b.Slot
}

// NewArena returns an empty arena that borrows from home.
func (a *Allocator) NewArena(home int) arena.Arena { return arena.NewBump(a, a.ledger, home) }

// Stats counts since New. ReservedBytes is the committed memory.
func (a *Allocator) Stats() arena.Stats {
	s := a.ledger.Stats()
	s.ReservedBytes = a.region.committed()
	return s
}

// Properties says what this allocator is.
func (a *Allocator) Properties() arena.Properties {
	return arena.Properties{Name: "arena", OffHeap: true}
}

// Close unmaps the region. If blocks are still out it says how many and unmaps nothing: the
// borrowers may write to them yet. Afterwards Borrow is ErrExhausted.
func (a *Allocator) Close() error {
	if err := a.ledger.Close(); err != nil {
		return err
	}
	return a.region.release()
}
