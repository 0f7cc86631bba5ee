// Package heap is the arena.Allocator that leaves everything to Go: the baseline that shows
// what the garbage collector costs.
//
// It owns nothing but a count. Memory comes from make and is freed by the collector.
//
// Invariants:
//
//  1. Blocks in use never exceed Config.BudgetBytes (0: without limit). Memory that was
//     returned and not yet collected is not counted: only the collector knows it.
//  2. Alloc of an arena is one make; a returned slice stays valid as long as it is used.
package heap
