package ioenginetest

import (
	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// dropCache drops f's clean pages and reports whether it could.
func dropCache(f ioengine.File) bool {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) == nil
}
