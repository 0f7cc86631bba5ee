package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// resident tells how many pages of a file the page cache holds: mincore(2).
func resident(t *testing.T, path string) (pages int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	size := int(info.Size())
	mapped, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }()
	state := make([]byte, size/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])),
		uintptr(size), uintptr(unsafe.Pointer(&state[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, s := range state {
		pages += int(s & 1)
	}
	return pages
}

func TestPageCache(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "drive", "file")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	pages := 1024
	_, err = f.Write(bytes.Repeat([]byte{1}, pages*os.Getpagesize()))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Evict(dir); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, path); n == pages {
		t.Skip("this file system keeps pages: posix_fadvise(2) does nothing here")
	} else if n != 0 {
		t.Errorf("evicted, and %d pages are there", n)
	}
	if err := Warm(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, path); n != pages {
		t.Errorf("warm, and %d of %d pages are there", n, pages)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Warm(ended, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
