// Package ioenginetest is the conformance suite and the benchmark of ioengine.Engine.
//
// It does not own the implementations: each one's test file calls Run and Bench.
//
// What it proves of an engine, on a real file system:
//
//  1. Every byte moves, or the operation has an error: direct and buffered files, vectors,
//     operations over 512 KiB, many batches at once.
//  2. Errors arrive as the errno of the operating system, each on its own operation.
//  3. Done is called once per batch, after Close too.
//  4. Nothing is written outside the range that was asked for.
//  5. Repair and compaction at full speed keep away from the foreground (RunClasses).
package ioenginetest
