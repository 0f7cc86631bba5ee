// Package pair decides which leg runs when: the order within pairs, and what happens when the
// machine changes under a pair. It is pure: legs and calibration are functions handed in.
//
// Invariants:
//
//  1. The two legs of a pair are adjacent; half of the pairs run the base first, in an order
//     drawn from the seed.
//  2. A pair whose calibrations differ by more than the limit is run again, at most twice;
//     after that it is kept and marked noisy.
//  3. A pair counts only if both legs are good.
package pair
