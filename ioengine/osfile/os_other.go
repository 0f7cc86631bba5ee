//go:build !linux

package osfile

import (
	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// setDirect refuses: every file is buffered here.
func setDirect(int) (bool, error) { return false, nil }

func syncFD(fd int) error { return unix.Fsync(fd) }

func adviseRandom(int) {}

func preallocate(int, int64, int64) error { return ioengine.ErrUnsupported }

func punch(int, int64, int64) error { return ioengine.ErrUnsupported }

// ReadCached always misses: there is no RWF_NOWAIT here.
func ReadCached(ioengine.File, []byte, int64) (bool, error) { return false, nil }
