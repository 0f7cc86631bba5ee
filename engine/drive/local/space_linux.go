package local

import (
	"errors"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// spaceOf returns the size of the file system that holds path and what is free for us, or
// zeros.
func spaceOf(path string) (totalBytes, freeBytes int64) {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return 0, 0
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize
}

// dataRanges calls f for the ranges of a file that were written and not punched (SEEK_DATA,
// lseek(2)).
func dataRanges(file ioengine.File, f func(from, to int64)) error {
	fd := int(file.Fd())
	for at := int64(0); ; {
		from, err := unix.Seek(fd, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // no data behind at
		}
		if err != nil {
			return err
		}
		to, err := unix.Seek(fd, from, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		f(from, to)
		at = to
	}
}
