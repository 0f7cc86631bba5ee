// Package readiness serves netloop Handlers from event loops: one epoll instance or kqueue and one
// listener per loop, and a bounded pool of workers for handlers that block. Only the poller, the
// listeners and the system calls differ by system: poller_*.go, listen_*.go, calls_*.go.
//
// It does not know HTTP beyond "a head is complete" (see netloop/session). Elsewhere than on
// Linux and 64-bit macOS and FreeBSD New returns ErrUnsupported. kqueue is compiled, vetted and
// so far run by no test.
//
// Invariants:
//
//  1. A connection has one owner at a time: nobody (it waits for its peer), its loop, or one
//     worker. Only the owner touches the socket and the session; only the loop closes it.
//  2. A connection is registered once, edge-triggered. The loop notes every edge in
//     conn.ready before it looks at the owner; an owner gives a connection up before it looks
//     at conn.ready a last time. So an edge is seen by one of them at least: none is lost.
//  3. conn.ready has bitIn whenever the socket may hold bytes nobody has read.
//  4. Event data is slot and generation. An event of an earlier connection in a slot is
//     dropped.
//  5. A connection without bytes in hand holds no block and no session. One that waits on the
//     loop, with half a head or for the rest of an unread body, holds no block and no worker.
//  6. System calls that are made raw, unseen by the Go scheduler, cannot sleep. A loop that
//     has nothing to do waits in Go's own poller and holds up nobody; with kqueue it waits in a
//     call that the scheduler sees.
//  7. What a loop cannot write at once is copied and flushed later; the loop itself never
//     waits for one connection.
//  8. With TLS a tls.Conn of the standard library sits between socket and session. It blocks a
//     worker during the handshake and nobody afterwards: a read that finds nothing returns an
//     error it forgets, a write never fails for want of room (7). Whoever reads goes on until
//     nothing has come, since what tls.Conn holds raises no event.
//  9. close_notify goes out before every end but a broken one (3 of package netloop).
//
// An idle connection costs some 300 bytes. With TLS it is some 7 KiB for TLS 1.3 and 5 KiB for
// TLS 1.2, and 21 KiB once a body came in: tls.Conn keeps a buffer of a record (TestIdleBytes).
//
// A handler that panics ends the process: nothing here hides it.
package readiness
