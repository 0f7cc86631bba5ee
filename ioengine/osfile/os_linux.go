package osfile

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// setDirect turns O_DIRECT on and reports whether the file system took it (EINVAL: it did
// not, fcntl(2)).
func setDirect(fd int) (bool, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return false, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT)
	if errors.Is(err, unix.EINVAL) {
		return false, nil
	}
	return err == nil, err
}

func syncFD(fd int) error { return unix.Fsync(fd) }

// adviseRandom is advice: its failure changes nothing but speed.
func adviseRandom(fd int) { _ = unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM) }

func preallocate(fd int, offsetBytes, lengthBytes int64) error {
	return retry(func() error { return unix.Fallocate(fd, 0, offsetBytes, lengthBytes) })
}

func punch(fd int, offsetBytes, lengthBytes int64) error {
	const mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	return retry(func() error { return unix.Fallocate(fd, mode, offsetBytes, lengthBytes) })
}

// ReadCached fills p from the page cache and reports whether it did (RWF_NOWAIT of
// preadv2(2)). It never waits for a device. false with a nil error: the bytes are not all in
// memory, the file is Direct, or the file system does not know the flag. p is dirty then.
func ReadCached(f ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	if f.Direct() {
		return false, nil
	}
	for {
		n, err := unix.Preadv2(int(f.Fd()), [][]byte{p}, offsetBytes, unix.RWF_NOWAIT)
		switch {
		case err == nil:
			return n == len(p), nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EOPNOTSUPP),
			errors.Is(err, unix.ENOSYS):
			return false, nil
		default:
			return false, fmt.Errorf("osfile: cached read at %d: %w", offsetBytes, err)
		}
	}
}
