// Package warp runs minio/warp as a process and reads what it recorded of every operation.
//
// It does not use warp's own analysis: that has whole milliseconds only and no statistics.
//
// Invariants:
//
//  1. A file that is truncated, empty, malformed, too short or holds a single error gives
//     ErrInvalid and no figures: errors are fast, and a failing server must never win.
//  2. Figures come from operations that ended within the window left after trimming both ends.
//  3. Secrets go through the environment, never through arguments that other users can read.
package warp
