// Package nethttp serves netloop Handlers with Go's net/http server: the baseline of the
// netloop axis, and the server for platforms without a loop of their own.
//
// It does not parse HTTP; what net/http accepts is accepted, what it refuses is refused.
//
// Invariants:
//
//  1. The request target is what was sent; net/http's cleaned URL is never used.
//  2. An aborted or short response ends in a TCP reset, never in a clean end.
//  3. Every request has an Arena of its own, reset before the next one uses it.
//  4. Byte counters are taken at the socket, heads and framing included.
package nethttp
