// Package benchtest is what tests of the harness share.
//
// Invariants:
//
//  1. Whether what a machine lacks skips a test or fails it is decided here, and nowhere else.
package benchtest
