//go:build unix

package ioenginetest

import (
	"testing"

	"golang.org/x/sys/unix"
)

func makePipe(path string) error { return unix.Mkfifo(path, 0o600) }

// mapped returns bytes of memory outside the Go heap.
func mapped(t testing.TB, bytes int) []byte {
	t.Helper()
	p, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(p) })
	return p
}
