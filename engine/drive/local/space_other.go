//go:build !linux

package local

// spaceOf is known on Linux only; zeros mean unknown.
func spaceOf(string) (totalBytes, freeBytes int64) { return 0, 0 }
