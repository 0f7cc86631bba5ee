package host

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Evict drops the clean pages of all files below dir from the page cache, which needs no
// privilege: posix_fadvise(2). What is in use or dirty stays, so whoever wants proof counts bytes
// that come from the device. Files that go meanwhile are passed over.
func Evict(dir string) error {
	return eachFile(dir, func(f *os.File) error {
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

// Warm reads all files below dir, so that the page cache holds them, if it is large enough. Files
// that go meanwhile are passed over.
func Warm(ctx context.Context, dir string) error {
	buffer := make([]byte, 1<<20)
	return eachFile(dir, func(f *os.File) error {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			switch _, err := f.Read(buffer); err {
			case nil:
			case io.EOF:
				return nil
			default:
				return err
			}
		}
	})
}

func eachFile(dir string, do func(*os.File) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // gone, or not a file
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		return do(f)
	})
}
