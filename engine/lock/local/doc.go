// Package local grants locks within one process: a map of the IDs in use, split into shards so
// that unrelated keys do not meet.
//
// Invariants:
//
//  1. An ID is in the map exactly while it is held or waited for: memory follows use.
//  2. A waiter that gives up leaves no trace.
package local
