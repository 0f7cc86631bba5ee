// Package netconn serves netloop Handlers with Go's net package: one goroutine per connection,
// and the same parser and framing as the readiness server. Compared with nethttp it shows what
// the parser is worth, compared with readiness what the loop is worth.
//
// It owns sockets and goroutines; the protocol is netloop/session's.
//
// Invariants:
//
//  1. A connection belongs to its goroutine; others only close it or end its wait.
//  2. A connection without bytes in hand holds no block and no session. One that waits with half a
//     head or for the rest of an unread body holds no block.
//  3. With TLS, close_notify is sent before every end but a broken one.
//  4. A handler that panics ends the process: nothing here hides it.
package netconn
