// Package threadpool is the ioengine.Engine that works everywhere: a fixed number of
// goroutines, each in one blocking system call at a time.
//
// It does not own files (osfile does) or the order of operations within a batch.
//
// Invariants:
//
//  1. At most Config.Workers operations run at once; the rest wait in line by class.
//  2. On Linux a DSync write is one pwritev2(2) with RWF_DSYNC, so several of them run in
//     parallel. Where the kernel refuses the flag, it is a write followed by fdatasync(2).
//  3. A sync is called once per operation. EINTR of a sync is an error, not a retry.
package threadpool
