// Package null is the ioengine.Engine that moves no bytes: what is left of a benchmark on it
// is the cost of everything above the disk.
//
// It does not own files: opening, locking and listing are real (osfile).
//
// Invariants:
//
//  1. Every Read, Write and DataSync succeeds at once and touches neither file nor buffer.
//  2. Done is called on the engine's own goroutine all the same, so that callers meet the
//     same locking rules as with a real engine.
//  3. Properties.Durable is false; no server may be started on it for keeps.
package null
