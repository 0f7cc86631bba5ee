package osfile_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// cachedFile is a file of bytes whose pages are in memory.
func cachedFile(t testing.TB, bytes int) ioengine.File {
	t.Helper()
	s, err := osfile.New(osfile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(filepath.Join(t.TempDir(), "a"),
		ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if n, err := unix.Pwrite(int(f.Fd()), make([]byte, bytes), 0); n != bytes || err != nil {
		t.Fatal(n, err)
	}
	return f
}

// TestReadCachedAllocatesNothing: neither a hit nor a miss makes a heap object.
func TestReadCachedAllocatesNothing(t *testing.T) {
	f := cachedFile(t, 64<<10)
	p := make([]byte, 2<<10)
	for _, c := range []struct {
		name        string
		offsetBytes int64
		hit         bool
	}{{"hit", 4 << 10, true}, {"miss", 1 << 30, false}} {
		t.Run(c.name, func(t *testing.T) {
			// 1000 runs: AllocsPerRun rounds down, so that 0.99 would pass as 0 too.
			total := 0.0
			for range 10 {
				total += testing.AllocsPerRun(100, func() {
					hit, err := osfile.ReadCached(f, p, c.offsetBytes)
					if hit != c.hit || err != nil {
						t.Fatalf("%v, %v", hit, err)
					}
				})
			}
			if total != 0 {
				t.Fatalf("%.1f heap objects in a read", total/10)
			}
		})
	}
}

func BenchmarkReadCached(b *testing.B) {
	f := cachedFile(b, 64<<10)
	p := make([]byte, 2<<10)
	b.ReportAllocs()
	for b.Loop() {
		if hit, err := osfile.ReadCached(f, p, 4<<10); !hit || err != nil {
			b.Fatal(hit, err)
		}
	}
}
