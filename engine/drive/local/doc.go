// Package local owns the segment store: one drive in one directory. A log of batches is the
// source of truth, bulk segments hold larger shards, an index in Pebble is a cache of the log.
//
// It does not own quorum, what Meta means, or how files are read and written (ioengine).
//
// Invariants:
//
//  1. A commit is answered with nil only after its batch was written with DSync (durability
//     full) and applied to the index; its bulk data was synced before that.
//  2. A block of the log that was acknowledged is never changed: only a start writes the last
//     batch again, with the same bytes. One batch is written at a time, the next one planned.
//  3. Batches become visible whole, and recovery takes them whole.
//  4. The index is never ahead of the log and can be rebuilt from it.
//  5. A log segment is removed only when everything needed of it was written again durably, the
//     index has been flushed since, and log/retired names it; its readers keep the file.
//  6. Extents of bulk segments are handed out once. Released ones are given back only after
//     every pin that was taken before; a later reader meets zeros, which no checksum matches.
//  7. A failed write or sync of the log, or a failed sync of bulk data, ends writing for good.
//  8. Every byte of a shard that is returned was verified in that call.
//
// # On-disk format
//
// ARCHITECTURE.md has it byte by byte ("On-disk format, layouts 1 to 4"); testdata has a drive of
// each layout there ever was.
//
// # Recovery
//
// Batches are read from the index's position on. Bad blocks with no good batch of a higher
// number behind them are a torn tail: dropped, and nothing is written behind them but in a
// fresh segment. If the next good batch has the very next number, they were the torn tail of
// an earlier life. Otherwise batches are lost. Whenever something was dropped or lost, the
// drive's "not here" counts for nothing (Info.CompleteFrom is the highest order there is)
// until a TypeTerm raises the term, from whose start on it counts again.
package local
