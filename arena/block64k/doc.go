// Package block64k is the arena.Allocator outside the Go heap: 64 KiB blocks from one
// reserved region, with a free list per home (usually one home per loop).
//
// It does not own the bump allocation (arena.Bump) or what is written into blocks.
//
// Invariants:
//
//  1. The whole budget is reserved as address space by New (mmap PROT_NONE) and committed in
//     steps of 2 MiB, when every committed block is in use. It is unmapped only by Close,
//     and only if every block was returned: a late writer never meets a foreign mapping.
//  2. A block is in exactly one place: not yet carved, on the free list of a home, on the
//     return list of a home, or lent. The ledger is booked before a block is looked for and
//     after it was put back, so a booked Borrow always finds its blocks.
//  3. The free list of a home is changed under its lock. The return list takes blocks from
//     any goroutine without a lock and is only ever emptied as a whole, so it has no ABA.
//  4. A block that is returned twice panics at once, in every build: lending it twice would
//     mix the bytes of two requests.
package block64k
