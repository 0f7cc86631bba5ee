// Package model is an explicit-state checker of the quorum protocol of one key. It tries every
// history of a small set, breadth-first: the first one that breaks the promise is a shortest one.
//
// It does not import the code it is about: the rules are written a second time here, and a test of
// engine/erasure compares the two readings of rule 4.
//
// The world: N drives; two lock holders of which one may believe for long that it still is one;
// a reader that holds no lock; and an adversary who delays commits for as long as it likes, takes
// drives away, brings them back, replaces them by blank ones and kills holders. What was sent and
// not delivered may be delivered at any later time, or never.
//
// The promise that is checked:
//
//  1. A read does not return less than what was acknowledged, or returned, before it began.
//  2. What was acknowledged or returned is not discarded.
//  3. While all drives answer and nothing is under way, the key can be decided.
//
// The adversary keeps within the promise: what was acknowledged stays on k drives.
//
// Each rule can be switched off, which has to yield a counterexample: see Rule.
package model
