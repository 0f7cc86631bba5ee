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
//  5. A log segment is removed only when everything needed of it was written again durably, the
//     index has been flushed since, and log/retired names it; its readers keep the file.
//  6. Extents of bulk segments are handed out once. Released ones are given back only after
//     every pin that was taken before; a later reader meets zeros, which no checksum matches.
//  7. A failed write or sync of the log, or a failed sync of bulk data, ends writing for good.
//  8. Every byte of a shard that is returned was verified in that call.
//
// # On-disk format
//
// Layout 1. Integers are little-endian unless noted, an order is term and sequence (8+8
// bytes), a block is 4 KiB, a checksum is xxh3-128 (low word first), algorithm number 1.
//
//	format.json         drive.Identity, incarnation (32 hex digits), joining
//	lock                locked while a process uses the drive
//	log/00000001.log    batches; pre-written with zeros. A number that is missing is in:
//	log/retired         segments that compaction removed
//	bulk/00000001.seg   extents of larger shards; numbers only grow
//	index/              Pebble without WAL
//
// A file whose name ends in .new is unfinished and removed at the next start.
//
// A batch begins on a block and is at most 512 KiB of whole blocks:
//
//	  0   8  magic "FSLOGB01"
//	  8  16  checksum of everything from byte 24 to the batch's end, padding included
//	 24   2  layout version, 1
//	 26   1  checksum algorithm
//	 27   1  flags; bit 0: records may be missing, "not here" counts for nothing until
//	         the next term; bit 1: for another reason than torn tails
//	 28   4  number of records
//	 32   8  epoch: grows with every start that writes
//	 40   8  number of the log segment it belongs to
//	 48   8  its offset there
//	 56   8  batch number, from 1 without gaps
//	 64   4  length in bytes, whole blocks
//	 68   4  bytes used by header and records; zeros follow
//	 72  16  complete_from after this batch (order)
//	 88  16  incarnation of the drive
//	104  16  highest order the drive has seen (zero in early batches: unknown)
//	120   8  term (likewise)
//	128      records
//
// A record (in the log: form 0):
//
//	  0   4  length in bytes, all included
//	  4   1  type, drive.Type
//	  5   1  space, drive.Space
//	  6   1  shard: 0 none, 1 inline, 2 bulk
//	  7   1  checksum algorithm
//	  8   3  geometry: data, parity, index
//	 11   1  form: 0 log, 1 index (no name, no inline shard)
//	 12   2  name length
//	 14   2  bulk reference length
//	 16   4  meta length
//	 20   4  length of the checksum table of an inline shard
//	 24  16  bucket
//	 40  16  version
//	 56  16  order
//	 72  16  token (order)
//	 88  16  write id
//	104   8  object size
//	112   8  shard size
//	120   8  modification time, Unix nanoseconds, signed
//	128      name, meta, bulk reference, checksum table (one per 64 KiB), inline shard
//
// A record of type 11 (move) is another one that compaction wrote again. Between the head and
// the name it has:
//
//	128   1  type of the record that was moved
//	129   1  flags; bit 0: the entry was settled
//	130   6  zero
//	136  16  segment and offset where it was
//
// A record of type 12 (erase) says that the parts of an upload are gone: space 4, the upload
// id as its name, nothing else.
//
// log/retired: magic "FSLOGR01" (8), checksum of the rest (16), incarnation of the drive (16),
// number of ranges (8), ranges: first and last segment, number of the first batch in them and
// of the first behind them (8+8+8+8).
//
// A bulk reference:
//
//	 0   1  version, 1
//	 1   1  checksum algorithm
//	 2   1  1: the checksum table is behind the data
//	 3   1  zero
//	 4   4  number of extents
//	 8   8  shard size
//	16      extents: segment, offset, length (8+8+8 bytes), whole blocks, in order
//	        checksums: one per 64 KiB of the shard; or, if that is more than 4 KiB, the table
//	        stands in the extents behind the data, on a fresh block, zero-padded to blocks,
//	        and here is one checksum per block of it
//
// The index has these rows; numbers in keys are big-endian:
//
//	space, bucket, name   a register: version 1 (1 byte), zero (1), number of entries (2), of
//	                      discarded ids (2), zero (2), fence (order); discarded ids (write
//	                      id, order); entries: length (4), flags (1; bit 0: settled,
//	                      bit 1: its record says so itself), zero (3), segment (8) and
//	                      offset (8) of the inline shard or, without one, of the record; the
//	                      record in form 1
//	0xF0, segment         bytes of a bulk segment that registers refer to (8)
//	0xF1, number          extents that were released and are not given back yet
//	0xF3, segment         bytes of a log segment that registers refer to (8)
//	0xF2, register's key  the register waits for a settle; empty
//	0xFF                  what the index reflects: see position
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
