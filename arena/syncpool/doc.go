// Package syncpool is the arena.Allocator on sync.Pool: the idiom most Go servers use, to be
// measured against.
//
// It does not own its memory: the garbage collector may empty the pool at any cycle.
//
// Invariants:
//
//  1. Blocks in use never exceed Config.BudgetBytes (0: without limit).
//  2. A block is in the pool or with one borrower.
package syncpool
