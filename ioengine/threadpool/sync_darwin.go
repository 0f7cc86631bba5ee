package threadpool

import "golang.org/x/sys/unix"

// dataSync asks the drive to empty its cache too, which fsync(2) does not on macOS.
func dataSync(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_FULLFSYNC, 0)
	return err
}
