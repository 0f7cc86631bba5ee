package osfile

import (
	"errors"
	"io/fs"

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

// Space is the size of the file system that holds path and what is free for us (statfs(2)).
func (s *FileSystem) Space(path string) (totalBytes, freeBytes int64, err error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(path, &st) }); err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	blockBytes := int64(st.Bsize) // 32 bits wide on 32-bit systems
	return int64(st.Blocks) * blockBytes, int64(st.Bavail) * blockBytes, nil
}

// DataRanges calls f for the ranges that were written and not punched (SEEK_DATA, lseek(2)).
func (f *File) DataRanges(found func(from, to int64)) error {
	for at := int64(0); ; {
		from, err := unix.Seek(f.fdInt(), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // no data behind at
		}
		if err != nil {
			return f.fail("seek data", err)
		}
		to, err := unix.Seek(f.fdInt(), from, unix.SEEK_HOLE)
		if err != nil {
			return f.fail("seek hole", err)
		}
		found(from, to)
		at = to
	}
}

var (
	_ ioengine.SpaceReporter = (*FileSystem)(nil)
	_ ioengine.RangeReporter = (*File)(nil)
)
