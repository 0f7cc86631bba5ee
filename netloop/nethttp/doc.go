// Package nethttp serves netloop Handlers with Go's net/http server: the baseline of the
// netloop axis, and the server for platforms without a loop of their own.
//
// With TLS it speaks HTTP/2 to clients that ask for it by ALPN; the other servers do not. It does
// not parse HTTP; what net/http accepts is accepted, what it refuses is refused.
//
// Invariants:
//
//  1. The request target is what was sent; net/http's cleaned URL is never used.
//  2. An aborted or short response ends in a TCP reset, or in HTTP/2 in a reset of its stream,
//     never in a clean end. With TLS no close_notify comes before it.
//  3. Every request has an Arena of its own, reset before the next one uses it.
//  4. Byte counters are taken at the socket, heads and framing included.
package nethttp
