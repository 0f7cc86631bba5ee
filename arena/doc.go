// Package arena owns the memory of the request path: 64 KiB blocks and the bump
// allocation that carves requests out of them.
//
// It does not own sockets, files or what is written into a block.
//
// Invariants:
//
//  1. A block is 64 KiB, starts at a multiple of 4 KiB (O_DIRECT) and is in exactly one
//     place: a free list, an Arena, or one borrower.
//  2. No Go pointer is ever stored in block memory; the garbage collector does not see it.
//  3. What outlives the request (index keys, cache entries, audit records) is copied out.
//  4. A block lent to the kernel, a straggling drive or a socket goes back only when that
//     borrower is done with it; Reset never touches lent blocks.
//  5. The sum of blocks never exceeds Config.BudgetBytes of the implementation; past it
//     callers get ErrExhausted, never a block that somebody else still uses.
package arena
