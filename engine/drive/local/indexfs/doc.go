// Package indexfs is the file system that Pebble sees: a vfs.FS on an ioengine.Engine, so that
// the index goes through the same engine as the log, is counted there, and loses power with it
// in ioengine/crashsim.
//
// It does not own what is in the files, nor when they are synced: that is Pebble's.
//
// # When the device fails
//
// Pebble ends the process when its MANIFEST cannot be synced, and tries other writes again
// although pages may be marked clean after a failed sync. An index is only a cache of the log,
// so neither is called for. Instead FS freezes with the first write, sync, removal or rename
// that fails, for whatever reason (a full file system included):
//
//  1. The failure is told once (Hooks.Failed), before Pebble goes on.
//  2. From then on nothing on the disk changes. It holds what a power cut at that moment would
//     leave: each table that the MANIFEST names was synced before it was named.
//  3. Pebble is told that all is well. What it writes stays in memory, so that what it has to
//     say about rows is still right: at most its memtables. Compactions are refused; they are
//     the one thing that Pebble gives up gracefully.
//
// So whoever removes something because the index was flushed asks Err first.
package indexfs
