// Package md5lanes owns MD5 (RFC 1321) of many streams at once: the next blocks of up to 16 of them
// are hashed together, each in a lane of 32 bits of AVX-512 registers. MD5 is a chain of operations
// that wait for one another, so sixteen chains beside each other take little longer than one.
//
// It does not own MD5 of one stream, padding and short Writes: those are crypto/md5's, which does
// everything where there is no AVX-512.
//
// Invariants:
//
//  1. A Write is done when it returns: nothing reads the caller's memory later.
//  2. There is no goroutine of this package. One of those who write, the leader, hashes for others
//     too, and leads no longer than its own bytes last.
//  3. Who waits is in the lanes of a leader or in the queue. While the queue is not empty, somebody
//     gathers or a leader has free lanes: somebody who is not waiting will look into it.
//  4. Nobody waits for bytes that have yet to come.
package md5lanes
