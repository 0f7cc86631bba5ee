// Package stat holds the statistics of paired measurements: what a difference is, how sure one can
// be of it, and when the data cannot say.
//
// It owns arithmetic only; it knows no units, files or processes.
//
// Invariants:
//
//  1. An interval carries the level it really has: four pairs cannot give 95%, and do not claim to.
//  2. The same numbers and seed give the same result.
//  3. Empty input gives NaN, never a number that looks measured.
package stat
