//go:build !linux

package local

import "flashstore/ioengine"

// spaceOf is known on Linux only; zeros mean unknown.
func spaceOf(string) (totalBytes, freeBytes int64) { return 0, 0 }

// dataRanges is known on Linux only; elsewhere unreferenced space is not looked for.
func dataRanges(ioengine.File, func(from, to int64)) error { return nil }
