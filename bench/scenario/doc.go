// Package scenario reads scenario files: one question each, answered by a measured comparison.
//
// It owns the schema, its validation and the expansion of a matrix into comparisons. It starts
// nothing and measures nothing.
//
// Invariants:
//
//  1. Strict: an unknown key is an error that names the file, the line and the valid keys.
//  2. A Scenario that Parse returned is valid: nobody checks it again.
//  3. Expansion is deterministic: the same file gives the same comparisons in the same order.
package scenario
