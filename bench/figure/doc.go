// Package figure is what a load amounts to, whichever driver applied it.
//
// Invariants:
//
//  1. All times are what the client saw; none is an average of percentiles.
//  2. A quantile that the driver cannot tell is zero, never a guess.
package figure
