// Package e2e tests the server as its users meet it: the real binary, started as a process on
// real directories, spoken to over HTTP and by public clients, stopped by signals.
//
// It owns no code that ships and imports nothing of the server.
//
// Invariants:
//
//  1. Every server is the child of a thread that lives as long as it, so none outlives the tests.
//  2. A random test prints its seed; -e2e.seed replays it.
//  3. Nothing waits for a time to pass: a wait is for a condition, with a deadline.
//  4. What a test stores describes itself, so that foreign, old or torn bytes are told apart.
package e2e
