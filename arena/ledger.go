package arena

import (
	"fmt"
	"sync/atomic"
)

// Ledger is the account of an allocator: how many blocks its budget allows and how many are
// out. Implementations take from it before they look for blocks, so that the budget holds
// whatever their lists do. Safe for concurrent use.
type Ledger struct {
	budgetBlocks int64 // 0: without limit

	inUse         atomic.Int64
	borrowed      atomic.Uint64
	exhausted     atomic.Uint64
	allocations   atomic.Uint64
	resets        atomic.Uint64
	heapFallbacks atomic.Uint64
}

// NewLedger returns a ledger for budgetBytes, rounded down to whole blocks; 0: no limit.
func NewLedger(budgetBytes int64) *Ledger {
	return &Ledger{budgetBlocks: budgetBytes / BlockBytes}
}

// Take books n blocks, or returns ErrExhausted and books none. Whoever sees nil is sure that
// n blocks are free, or are about to be put on a free list by somebody who will not wait.
func (l *Ledger) Take(n int) error {
	for {
		used := l.inUse.Load()
		if used >= ledgerClosed || l.budgetBlocks > 0 && used+int64(n) > l.budgetBlocks {
			l.exhausted.Add(1)
			return ErrExhausted
		}
		if l.inUse.CompareAndSwap(used, used+int64(n)) {
			l.borrowed.Add(uint64(n))
			return nil
		}
	}
}

// crowded reports whether more than half of the budget is out.
func (l *Ledger) crowded() bool {
	return l.budgetBlocks > 0 && l.inUse.Load() > l.budgetBlocks/2
}

// Cancel undoes a Take whose blocks could not be had after all.
func (l *Ledger) Cancel(n int) {
	l.borrowed.Add(^uint64(n - 1))
	l.exhausted.Add(1)
	l.inUse.Add(-int64(n))
}

// Give books n blocks back. They must be on a free list already.
func (l *Ledger) Give(n int) {
	if l.inUse.Add(-int64(n)) < 0 {
		panic("arena: more blocks returned than borrowed")
	}
}

// Close refuses all further Takes, or says how many blocks are still out and changes
// nothing. A second Close is fine.
func (l *Ledger) Close() error {
	if l.inUse.CompareAndSwap(0, ledgerClosed) || l.inUse.Load() >= ledgerClosed {
		return nil
	}
	return fmt.Errorf("arena: closed with %d blocks not returned", l.inUse.Load())
}

// ledgerClosed is an inUse that no budget covers.
const ledgerClosed = int64(1) << 62

// Stats is a snapshot without ReservedBytes, which the implementation knows.
func (l *Ledger) Stats() Stats {
	inUse := l.inUse.Load()
	if inUse >= ledgerClosed {
		inUse = 0
	}
	borrowed := l.borrowed.Load()
	return Stats{
		BlocksBorrowed: borrowed,
		BlocksReturned: borrowed - min(uint64(inUse), borrowed),
		BlocksInUse:    inUse,
		BudgetBytes:    l.budgetBlocks * BlockBytes,
		Allocations:    l.allocations.Load(),
		Resets:         l.resets.Load(),
		HeapFallbacks:  l.heapFallbacks.Load(),
		Exhausted:      l.exhausted.Load(),
	}
}

// CountReset books what an Arena did since its last Reset. Arenas count privately and report
// here once per request, because shared counters are the dearest part of a bump allocation.
func (l *Ledger) CountReset(allocations, heapFallbacks uint64) {
	l.resets.Add(1)
	if allocations > 0 {
		l.allocations.Add(allocations)
	}
	if heapFallbacks > 0 {
		l.heapFallbacks.Add(heapFallbacks)
	}
}
