// Package arenatest is the conformance suite and the benchmark of arena.Allocator.
//
// It does not own the implementations: each one's test file calls Run and Bench.
//
// What it proves of an allocator:
//
//  1. Blocks have the promised size and alignment, and none is lent twice at a time.
//  2. The budget holds exactly: the last block is lent, one more is ErrExhausted and lends
//     none, and what is returned can be borrowed again from any home.
//  3. Allocations of an arena do not overlap and are aligned; Reset returns every block.
package arenatest
