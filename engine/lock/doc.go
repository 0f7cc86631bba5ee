// Package lock owns the contract of per-register locks and the fencing tokens they grant.
//
// It does not own what is done under a lock.
//
// Invariants:
//
//  1. At most one Grant per ID is held at a time, within one term.
//  2. Tokens are strictly increasing over all grants of a Locker, and the tokens of a later
//     term are above all of an earlier one: a drive can refuse a writer that lost its lock.
package lock
