// Package host knows the machine: what it is, how busy it is, how steady it is, and which of its
// cores a process may use. It reads /proc and /sys and runs a calibrator of its own.
//
// Invariants:
//
//  1. The calibrator never runs code under test: it is SHA-256 of the standard library and plain
//     synced writes.
//  2. A fingerprint holds nothing that changes between two runs on an unchanged machine.
//  3. Missing information is an empty field, never a guess.
package host
