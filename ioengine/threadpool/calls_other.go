//go:build !linux

package threadpool

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errNoDSync: a DSync write is a write and a sync here, always.
var errNoDSync = errors.New("threadpool: no RWF_DSYNC")

// readVector and writeVector move the first buffer only; the callers continue.
func readVector(fd int, bufs [][]byte, offsetBytes int64) (int, error) {
	return unix.Pread(fd, bufs[0], offsetBytes)
}

func writeVector(fd int, bufs [][]byte, offsetBytes int64, dsync bool) (int, error) {
	if dsync {
		return 0, errNoDSync
	}
	return unix.Pwrite(fd, bufs[0], offsetBytes)
}
