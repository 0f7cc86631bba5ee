package osfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// Config of a FileSystem. The zero value is the default.
type Config struct {
	// Buffered ignores OpenFlags.Direct: every file goes through the page cache.
	Buffered bool
}

// Validate accepts every Config; it is here because each part's Config has one.
func (Config) Validate() error { return nil }

// FileSystem opens files of the operating system. It is safe for concurrent use and needs
// no Close.
type FileSystem struct {
	buffered bool
}

var _ ioengine.FileSystem = (*FileSystem)(nil)

// New returns a FileSystem.
func New(c Config) (*FileSystem, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &FileSystem{buffered: c.Buffered}, nil
}

// Open opens path, mode 0600 where it creates it. Where the file system refuses O_DIRECT the
// file stays buffered and Direct reports false.
func (s *FileSystem) Open(path string, flags ioengine.OpenFlags) (ioengine.File, error) {
	mode := unix.O_RDONLY
	if flags.Write {
		mode = unix.O_RDWR
	}
	if flags.Create {
		mode |= unix.O_CREAT
		if flags.Exclusive {
			mode |= unix.O_EXCL
		}
	}
	f, err := openFile(path, mode)
	if err != nil {
		return nil, err
	}
	if flags.Direct && !s.buffered {
		// After open, not in it: open(2) with O_EXCL may create the file and then refuse
		// O_DIRECT, and a second try would meet our own file.
		f.direct, err = setDirect(f.fdInt())
		if err != nil {
			_ = f.Close()
			return nil, f.fail("set O_DIRECT", err)
		}
	}
	if flags.Random && !f.direct {
		adviseRandom(f.fdInt())
	}
	return f, nil
}

// MakeDir creates one directory, mode 0700.
func (s *FileSystem) MakeDir(path string) error { return os.Mkdir(path, 0o700) }

// Remove removes a file or an empty directory.
func (s *FileSystem) Remove(path string) error { return os.Remove(path) }

// Rename replaces newPath atomically; durable only after SyncDir of the parent.
func (s *FileSystem) Rename(oldPath, newPath string) error { return os.Rename(oldPath, newPath) }

// SyncDir makes the directory's entries durable (fsync(2) on the directory).
func (s *FileSystem) SyncDir(path string) error {
	fd, err := openRetry(path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	if err := syncFD(fd); err != nil {
		return &fs.PathError{Op: "fsync", Path: path, Err: err}
	}
	return nil
}

// List returns the names in a directory, sorted.
func (s *FileSystem) List(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Lock takes flock(2) on path, creating the file, mode 0600. The lock belongs to the open
// file: a second Lock in the same process is refused too.
func (s *FileSystem) Lock(path string) (ioengine.File, error) {
	f, err := openFile(path, unix.O_RDWR|unix.O_CREAT)
	if err != nil {
		return nil, err
	}
	err = retry(func() error { return unix.Flock(f.fdInt(), unix.LOCK_EX|unix.LOCK_NB) })
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("osfile: %s is locked by another process: %w", path, err)
		}
		return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
	}
	f.locked = true
	return f, nil
}
