// Package ioenginetest is the conformance suite and the benchmark of ioengine.Engine, and an engine
// for tests of what is above one (Unsynced).
//
// It does not own the implementations: each one's test file calls Run and Bench.
//
// What it proves of an engine, on a real file system:
//
//  1. Every byte moves, or the operation has an error: direct and buffered files, vectors,
//     operations over 512 KiB, many batches at once.
//  2. Errors arrive as the errno of the operating system, each on its own operation.
//  3. Done is called once per batch, after Close too, and never by Submit itself.
//  4. Nothing is written outside the range that was asked for.
//  5. Repair and compaction at full speed keep away from the foreground; the classes of a
//     backlog share by weight; a scrub gets on beside a busy foreground (RunClasses).
//  6. Buffers stay lent while the system has them: across a closed file (RunHost), and across
//     a Close that gave up (RunStuck).
//
// What it cannot prove, since it does not take power from a disk, is that DSync and DataSync
// make durable. That each engine asks the system for it, and what they do where the system
// refuses, is in the engines' own tests; crashsim's tests and e2e take the power.
package ioenginetest
