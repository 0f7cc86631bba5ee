// Package load is a generator of S3 requests that costs little itself: raw non-blocking sockets,
// one epoll loop a thread, requests made before the clock runs (presigned) or signed as they are
// sent (header). It knows three requests, GET, HEAD and PUT of one object, and static files, which
// are the same without a signature.
//
// It starts no server and judges no figure; see bench/hotpath for who does.
//
// Invariants:
//
//  1. Every answer is read to its end and checked: status, length, and of every n-th the SHA-256
//     of its body. What fails is an error of its kind, never an operation, also before the window.
//  2. Closed loop: each connection has one request in flight. What counts is what ends within the
//     window [Warmup, Duration).
//  3. Open loop: request i is due at i / Rate whatever became of those before it, and its latency
//     counts from then, so a stalled server is not asked less (no coordinated omission). What
//     counts is what is due within the window; it is waited for after its end. How late the
//     generator itself was is measured too: see Result.Late.
//  4. The hot path allocates nothing and makes two system calls a request, beside its share of
//     epoll_wait.
//  5. The same seed asks for the same objects in the same order on each thread.
package load
