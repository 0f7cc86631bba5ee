// Package hotpath measures the path of a request, from the socket to the answer, against the
// targets that the project has set itself: one server on one core, the generator of bench/load on
// another, and Debian's nginx with the same bytes as static files as the yardstick of the same run.
//
// It owns the rows, their targets and the order of the legs. It judges single figures, not changes:
// whether a change is worth keeping is for scenarios and pairs (flashbench run).
//
// Invariants:
//
//  1. Ours and nginx run under the same generator, from the same core, on the same objects, in
//     adjacent legs of balanced random order; a ratio is taken within such a pair.
//  2. Before anything is timed every object is read once and its SHA-256 checked, on both.
//  3. A leg with a single failed request counts for nothing; the run ends with an error.
//  4. Memory and start-up are measured on fresh processes over the same drives.
//  5. When Run returns no process and no data is left.
package hotpath
