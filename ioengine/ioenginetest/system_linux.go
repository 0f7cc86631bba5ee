package ioenginetest

import (
	"fmt"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// dropCache drops f's clean pages and reports whether it could.
func dropCache(f ioengine.File) bool {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) == nil
}

// sealedFile makes a file in memory that cannot grow.
func sealedFile(bytes int64) (path string, release func(), err error) {
	fd, err := unix.MemfdCreate("sealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return "", nil, err
	}
	release = func() { _ = unix.Close(fd) }
	if err = unix.Ftruncate(fd, bytes); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW)
	}
	if err != nil {
		release()
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd), release, nil
}
