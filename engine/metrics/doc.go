// Package metrics owns the counters of one server: a Prometheus registry of its own, what is
// counted of each request, and a way to show the Stats structs of the parts.
//
// It does not own HTTP (adminapi serves what Gather returns) and knows no other package.
//
// Invariants:
//
//  1. Every metric of ours is named flashstore_*; go_* and process_* are the runtime's.
//  2. Label values are known when the server starts: operation names, status classes, names
//     of parts and drives. Nothing a client sends becomes one.
//  3. Counting a request takes no lock and allocates nothing.
package metrics
