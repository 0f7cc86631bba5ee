package highway

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNothingReadOutside: messages may begin at the first byte of a mapping and end at its last.
func TestNothingReadOutside(t *testing.T) {
	t.Parallel()
	page := unix.Getpagesize()
	var begin, end [][]byte
	for range AtOnce {
		m, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Munmap(m) }() // fails for a wrong argument only
		for _, guard := range [][]byte{m[:page], m[2*page:]} {
			if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
				t.Fatal(err)
			}
		}
		begin, end = append(begin, m[page:page+96]), append(end, m[2*page-96:2*page])
	}
	for _, messages := range [][][]byte{begin, end} {
		var key [Size]byte
		if !bytes.Equal(AppendSums(nil, messages, &key), appendEach(nil, messages, &key)) {
			t.Error("other sums at the edge of a page")
		}
	}
}
