package osfile

import (
	"errors"
	"io/fs"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// noFD is what Fd says when the descriptor is closed.
const noFD = ^uintptr(0)

// closedBit is in File.holds once Close was called; the rest is a count.
const closedBit = 1 << 62

// File is an open file. Its methods are safe for concurrent use.
type File struct {
	fd       atomic.Uintptr
	holds    atomic.Int64
	attached atomic.Pointer[attachment]
	path     string
	direct   bool
	locked   bool // by flock(2)
}

var (
	_ ioengine.File   = (*File)(nil)
	_ ioengine.Holder = (*File)(nil)
)

func openFile(path string, flags int) (*File, error) {
	fd, err := openRetry(path, flags)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := &File{path: path}
	f.fd.Store(uintptr(fd))
	return f, nil
}

// Fd is the descriptor, or ^uintptr(0) when it is closed.
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

// Close closes the descriptor, or leaves that to the last Release if engines work on the
// file. A second Close is fs.ErrClosed.
func (f *File) Close() error {
	holds := f.holds.Or(closedBit)
	if holds&closedBit != 0 {
		return f.fail("close", fs.ErrClosed)
	}
	if a := f.attached.Load(); a != nil {
		a.closed()
	}
	if holds > 0 {
		return nil
	}
	return f.closeFD()
}

// closeFD is called once, by the last of those who use the file.
func (f *File) closeFD() error {
	if f.locked {
		// A child process between fork(2) and execve(2) has the descriptor too, and with it the
		// lock. An error means that there is no lock.
		_ = retry(func() error { return unix.Flock(f.fdInt(), unix.LOCK_UN) })
	}
	// EINTR included: on Linux the descriptor is gone whatever close(2) answers.
	return f.fail("close", unix.Close(int(f.fd.Swap(noFD))))
}

// Hold keeps the descriptor open until Release; false: the file is closed.
func (f *File) Hold() bool {
	for {
		n := f.holds.Load()
		if n&closedBit != 0 {
			return false
		}
		if f.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends a Hold. The last one after Close closes the descriptor; nobody is left to be
// told of an error then, and what was to be durable is.
func (f *File) Release() {
	if f.holds.Add(-1) == closedBit {
		_ = f.closeFD()
	}
}

// attachment is what an engine hangs on a file.
type attachment struct {
	record any
	closed func()
}

// Attach hangs an engine's own record on the file, for as long as the file lives; closed is
// called by Close, or at once if the file is closed, and once more in a race of the two.
// false: there is a record already.
func (f *File) Attach(record any, closed func()) bool {
	if !f.attached.CompareAndSwap(nil, &attachment{record, closed}) {
		return false
	}
	if f.holds.Load()&closedBit != 0 {
		closed()
	}
	return true
}

// Attached is the record, or nil.
func (f *File) Attached() any {
	if a := f.attached.Load(); a != nil {
		return a.record
	}
	return nil
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
