// Package local owns the segment store: one drive in one directory. A log of batches is the
// source of truth, bulk segments hold larger shards, an index in Pebble is a cache of the log.
//
// It does not own quorum, what Meta means, or how files are read and written (ioengine).
//
// Invariants:
//
//  1. A commit is answered with nil only after its batch was written with DSync (durability
//     full) and applied to the index; its bulk data was synced before that.
//  2. A block of the log that was acknowledged is never written again. One batch is in flight.
//  3. Batches become visible whole, and recovery takes them whole.
//  4. The index is never ahead of the log and can be rebuilt from it.
//  5. Extents of bulk segments are handed out once. Released ones are given back only after
//     every pin that was taken before; a later reader meets zeros, which no checksum matches.
//  6. A failed write or sync of the log, or a failed sync of bulk data, ends writing for good.
//  7. Every byte of a shard that is returned was verified in that call.
package local
