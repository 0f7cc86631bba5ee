// Package guarded is the arena.Allocator for finding out who breaks the rules of package arena. A
// server built with the tag arenadebug has it in place of block64k. It is slow: a block costs two
// system calls, an allocation the walk of a stack.
//
// What it notices, and how:
//
//   - bytes written outside a block: the pages around each block cannot be touched;
//   - bytes read or written in a block after its return: neither can its own pages, and a returned
//     block is lent again as late as possible. The kernel gets EFAULT for what a Go access
//     crashes on;
//   - bytes written outside an allocation of an Arena: each stands between red zones, which are
//     looked at by Reset;
//   - an allocation read before it is written: it is full of 0xDB;
//   - a block returned twice, or to the wrong allocator: at once;
//   - what was never given back: Close lists it by the place in the code that took it, with
//     number, bytes and the arena's request.
//
// Everything but the last is a panic, or the fault of the access itself.
//
// Invariants:
//
//  1. A block that is not lent has no access at all; only a lent one costs memory.
//  2. Every allocation and every loan is recorded from when it is made to its end.
package guarded
