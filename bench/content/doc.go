// Package content says which objects a load works on: their names and their bytes. Whoever writes
// them, reads them back or serves the same bytes as files agrees with the others through it.
//
// Invariants:
//
//  1. An object's bytes depend on seed, number and length alone, and do not repeat within it.
//  2. Names spread over 100 folders and sort in the order of numbers within one.
package content
