// Package osfile is ioengine.File and ioengine.FileSystem on the operating system.
//
// It does not own reading and writing: those are the engines' (threadpool, uring). It lends
// them ReadCached, which needs no engine at all.
//
// Invariants:
//
//  1. A descriptor is closed at most once: by Close, or after it by the last Release, so
//     never under an operation. Then Fd is ^uintptr(0), which the kernel answers with EBADF.
//  2. Every descriptor is close-on-exec: a lock never outlives the process in a child.
//  3. A failed fsync is reported, never retried: the kernel may have dropped the pages.
//
// Linux has everything; other Unix systems have a portable fallback without O_DIRECT,
// preallocation and hole punching.
package osfile
