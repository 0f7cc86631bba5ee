// Package lock owns the contract of per-register locks and the sequence their grants have.
//
// It does not own what is done under a lock.
//
// Invariants:
//
//  1. At most one Grant per ID is held at a time.
//  2. Sequences are strictly increasing over all grants of a Locker. With the term of a set, which
//     belongs to who writes there, they are the tokens by which a drive tells late writers.
package lock
