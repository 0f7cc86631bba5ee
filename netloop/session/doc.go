// Package session owns what a server does on one connection whatever moves its bytes: heads
// in, bodies decoded, answers framed, and the decision whether the connection lives on.
//
// It owns no socket and starts no goroutine: bytes come and go through a Stream. The readiness
// and netconn servers differ in their Streams only, so that a comparison of the two tells the
// price of the loop and nothing else.
//
// Invariants:
//
//  1. A Session is used by one goroutine at a time; who that is, the server decides.
//  2. Bytes of a body are never parsed as a head: a Session whose body was not read to its end
//     does not get another request.
//  3. A response whose framing cannot be completed ends in VerdictBreak, never in a clean end.
//  4. "100 Continue" is written at most once, by the first ReadBody, and not after the head of
//     the final response.
//  5. A Session holds no block and no Exchange state between Detach and Attach, and no block while
//     it is suspended: then it has a copy of what its client sent and did not complete, and the
//     copies of all Sessions have a limit.
package session
