package threadpool

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errNoDSync: the kernel or the file system does not know RWF_DSYNC.
var errNoDSync = errors.New("threadpool: no RWF_DSYNC")

func readVector(fd int, bufs [][]byte, offsetBytes int64) (int, error) {
	if len(bufs) == 1 {
		return unix.Pread(fd, bufs[0], offsetBytes)
	}
	return unix.Preadv(fd, bufs, offsetBytes)
}

func writeVector(fd int, bufs [][]byte, offsetBytes int64, dsync bool) (int, error) {
	if dsync {
		n, err := unix.Pwritev2(fd, bufs, offsetBytes, unix.RWF_DSYNC)
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
			return 0, errNoDSync
		}
		return n, err
	}
	if len(bufs) == 1 {
		return unix.Pwrite(fd, bufs[0], offsetBytes)
	}
	return unix.Pwritev(fd, bufs, offsetBytes)
}

func dataSync(fd int) error { return unix.Fdatasync(fd) }
