package osfile

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// ReadCached fills p from the page cache and reports whether it did (RWF_NOWAIT of
// preadv2(2)). It never waits for a device and allocates nothing, hit or miss. false with a
// nil error: the bytes are not all in memory, the file is Direct, or the file system does not
// know the flag. p is dirty then.
func ReadCached(f ioengine.File, p []byte, offsetBytes int64) (bool, error) {
	if f.Direct() {
		return false, nil
	}
	if h, ok := f.(ioengine.Holder); ok {
		if !h.Hold() {
			return false, fmt.Errorf("osfile: cached read of a closed file: %w", unix.EBADF)
		}
		defer h.Release()
	}
	for {
		// Neither call nor vector reaches the heap (escape analysis): a test watches it.
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
