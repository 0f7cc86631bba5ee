// Package peer knows S3 servers that are not ours: the file that says how to start one, what a 200
// of it is worth (the acknowledgement contract, measured by system calls), and what it has lost
// after a crash.
//
// Invariants:
//
//  1. Nothing is downloaded and nothing of a peer is known but arguments, environment, files and
//     commands of its own documentation, all of which are in the peer file.
//  2. A contract is what was counted. What could not be counted is unknown, never strict.
//  3. A write that was not acknowledged may be there or not; one that was must be there, whole.
package peer
