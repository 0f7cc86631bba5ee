// Package machine says what a machine is, as far as it decides which configuration is fast on it.
// The harness writes that into what it has tuned, the server compares it with where it runs.
//
// It owns no measurement and no policy, and imports nothing of either.
//
// Invariants:
//
//  1. An Identity holds nothing that changes between two starts on an unchanged machine, and
//     nothing that depends on which cores a process may use.
//  2. Missing information is an empty field, never a guess.
package machine
