// Package uring is the ioengine.Engine on Linux's io_uring, by raw system calls.
//
// It does not own files (osfile does), and sockets stay on epoll.
//
// Each ring belongs to one goroutine that is locked to its thread until the ring is closed:
// the kernel ties a ring's requests to the thread that made them. Submitters put batches in
// the ring's line and wake it through an eventfd, which the ring itself reads; everything in
// line is handed to the kernel with one io_uring_enter(2).
//
// Invariants:
//
//  1. An operation has one slot and at most one request in the kernel at a time. user_data is
//     generation<<32 | slot; a completion that matches no slot is a panic, since it could
//     only mean that the kernel still owns memory that was given away.
//  2. There are fewer slots than places in the submission queue, and the completion queue is
//     twice as long: neither can overflow. (If the kernel overflows all the same, it keeps
//     the completions, IORING_FEAT_NODROP, and every enter collects them.)
//  3. A request moves at most 512 KiB; longer operations go on in the same slot, as do short
//     reads and writes.
//  4. After EAGAIN or EBUSY of enter the requests are still queued and their slots in use.
//  5. Ring and iovec memory is mapped, not on the Go heap. Buffers may be: the slot refers to
//     the batch, which keeps them alive, and Go's collector does not move heap objects.
//  6. An idle ring blocks in the kernel and uses no CPU.
package uring
