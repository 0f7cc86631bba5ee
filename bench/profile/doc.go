// Package profile reads what profilers and tracers wrote about a server: pprof profiles as trees
// for flame graphs, system calls by strace, counters by perf stat.
//
// Invariants:
//
//  1. Whatever is read may be cut off or hostile: an error or less, never a panic or a large
//     allocation for few bytes.
//  2. Nothing here is about time that a benchmark reports: who was traced was not timed.
package profile
