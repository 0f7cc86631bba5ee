package osfile

import (
	"errors"
	"io/fs"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// noFD is what Fd says after Close.
const noFD = ^uintptr(0)

// File is an open file. Its methods are safe for concurrent use, but Close must come last.
type File struct {
	fd     atomic.Uintptr
	path   string
	direct bool
}

var _ ioengine.File = (*File)(nil)

func openFile(path string, flags int) (*File, error) {
	fd, err := openRetry(path, flags)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := &File{path: path}
	f.fd.Store(uintptr(fd))
	return f, nil
}

// Fd is the descriptor, or ^uintptr(0) after Close.
func (f *File) Fd() uintptr { return f.fd.Load() }

func (f *File) fdInt() int { return int(f.fd.Load()) }

// Direct reports whether the page cache is bypassed.
func (f *File) Direct() bool { return f.direct }

// Size is the file's length in bytes.
func (f *File) Size() (int64, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(f.fdInt(), &st) }); err != nil {
		return 0, f.fail("stat", err)
	}
	return st.Size, nil
}

// Preallocate reserves disk space and grows the file. ErrUnsupported where it cannot.
// The reservation is metadata: durable with the next DataSync or DSync write.
func (f *File) Preallocate(offsetBytes, lengthBytes int64) error {
	return f.fail("fallocate", preallocate(f.fdInt(), offsetBytes, lengthBytes))
}

// Punch gives the range's disk space back. ErrUnsupported where it cannot.
func (f *File) Punch(offsetBytes, lengthBytes int64) error {
	return f.fail("punch", punch(f.fdInt(), offsetBytes, lengthBytes))
}

// Truncate sets the file's length.
func (f *File) Truncate(sizeBytes int64) error {
	return f.fail("truncate", retry(func() error {
		return unix.Ftruncate(f.fdInt(), sizeBytes)
	}))
}

// Close closes the descriptor; a second Close is fs.ErrClosed.
func (f *File) Close() error {
	fd := f.fd.Swap(noFD)
	if fd == noFD {
		return f.fail("close", fs.ErrClosed)
	}
	// EINTR included: on Linux the descriptor is gone whatever close(2) answers.
	return f.fail("close", unix.Close(int(fd)))
}

func (f *File) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = ioengine.ErrUnsupported
	}
	return &fs.PathError{Op: op, Path: f.path, Err: err}
}

// openRetry opens path close-on-exec, mode 0600.
func openRetry(path string, flags int) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		return err
	})
	return fd, err
}

// retry repeats a call that a signal interrupted. Never used for fsync.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
