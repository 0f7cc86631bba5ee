package osfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

func newFS(t *testing.T, c osfile.Config) *osfile.FileSystem {
	t.Helper()
	s, err := osfile.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenFlags(t *testing.T) {
	s := newFS(t, osfile.Config{})
	path := filepath.Join(t.TempDir(), "a")
	if _, err := s.Open(path, ioengine.OpenFlags{Write: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open of nothing: %v", err)
	}
	create := ioengine.OpenFlags{Create: true, Exclusive: true, Write: true, Direct: true}
	f, err := s.Open(path, create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(path, create); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("exclusive open of an existing file: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Fd() != ^uintptr(0) {
		t.Fatal("Fd survives Close")
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

func TestDirectFallsBack(t *testing.T) {
	// /proc refuses O_DIRECT.
	const path = "/proc/self/status"
	if runtime.GOOS != "linux" {
		t.Skip("no /proc")
	}
	f, err := newFS(t, osfile.Config{}).Open(path, ioengine.OpenFlags{Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if f.Direct() {
		t.Fatal("/proc claims O_DIRECT")
	}
}

func TestBufferedConfig(t *testing.T) {
	f, err := newFS(t, osfile.Config{Buffered: true}).Open(filepath.Join(t.TempDir(), "a"),
		ioengine.OpenFlags{Create: true, Write: true, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if f.Direct() {
		t.Fatal("Config.Buffered is ignored")
	}
}

func TestPreallocateAndPunch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	f, err := newFS(t, osfile.Config{}).Open(path, ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	const bytes = 1 << 20
	err = f.Preallocate(0, bytes)
	if errors.Is(err, ioengine.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Size(); n != bytes || err != nil {
		t.Fatalf("size %d, %v", n, err)
	}
	before := diskBlocks(t, path)
	if before < bytes/512 {
		t.Fatalf("only %d sectors reserved", before)
	}
	if err := f.Punch(0, bytes/2); err != nil {
		t.Fatal(err)
	}
	if after := diskBlocks(t, path); after > before-bytes/2/512 {
		t.Fatalf("%d sectors before Punch, %d after", before, after)
	}
	if err := f.Truncate(10); err != nil {
		t.Fatal(err)
	}
	if n, _ := f.Size(); n != 10 {
		t.Fatalf("size %d after Truncate", n)
	}
}

func diskBlocks(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks
}

func TestDirectories(t *testing.T) {
	s := newFS(t, osfile.Config{})
	dir := filepath.Join(t.TempDir(), "d")
	if err := s.MakeDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.MakeDir(dir); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second MakeDir: %v", err)
	}
	for _, name := range []string{"c", "a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Rename(filepath.Join(dir, "c"), filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.SyncDir(dir); err != nil {
		t.Fatal(err)
	}
	names, err := s.List(dir)
	if err != nil || len(names) != 2 || names[0] != "a" || names[1] != "b" {
		t.Fatalf("List: %q, %v", names, err)
	}
	if err := s.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.SyncDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("SyncDir of nothing: %v", err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	s := newFS(t, osfile.Config{})
	path := filepath.Join(t.TempDir(), "lock")
	first, err := s.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(path); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatalf("second Lock: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := s.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// TestLockEndsWithClose: also while somebody else has the descriptor, as a child process has it
// between fork(2) and execve(2).
func TestLockEndsWithClose(t *testing.T) {
	files, path := &osfile.FileSystem{}, filepath.Join(t.TempDir(), "lock")
	f, err := files.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	child, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(child)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := files.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
