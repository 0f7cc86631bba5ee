// Package ioengine owns every file operation a drive needs: opening, preallocating,
// reading, writing, syncing, punching, renaming.
//
// It does not own file formats, retries or checksums. Queue, Counters, Advance and Refuse are
// parts that engines share.
//
// Invariants:
//
//  1. From Submit until Done has been called, the buffers of a Batch belong to the engine.
//  2. An operation succeeds only if all of its bytes were moved: short reads and short
//     writes are continued by the engine, and a read past the end is io.ErrUnexpectedEOF.
//  3. A write with DSync, or a DataSync that was submitted after a write completed, makes
//     those bytes durable before its completion is reported (POSIX fdatasync,
//     RWF_DSYNC of pwritev2(2)). A failed sync is reported once and never retried.
//  4. Done is called exactly once per batch, from an engine goroutine that must not block.
//  5. In an engine's line the classes share by bytes and none starves; while the foreground is
//     about, few operations of the background are in flight (queue_share.go has the rules and
//     what they gain). Operations of the background should move 1 MiB at most: one in flight
//     is what the foreground finds ahead of it.
package ioengine
