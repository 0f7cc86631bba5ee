package osfile_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// TestHold: Close leaves the descriptor to the last Release. A lock tells when it is gone.
func TestHold(t *testing.T) {
	s := newFS(t, osfile.Config{})
	path := filepath.Join(t.TempDir(), "lock")
	locked := func() bool {
		t.Helper()
		f, err := s.Lock(path)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		return false
	}
	f, err := s.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	h := f.(ioengine.Holder)
	for range 2 {
		if !h.Hold() {
			t.Fatal("an open file cannot be held")
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if h.Hold() {
		t.Fatal("a closed file can be held")
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
	h.Release()
	if f.Fd() == ^uintptr(0) || !locked() {
		t.Fatal("closed under a Hold")
	}
	h.Release()
	if f.Fd() != ^uintptr(0) || locked() {
		t.Fatal("still open after the last Release")
	}
}

// TestHoldRaces closes files that others take and leave: the descriptor is closed once, by
// whoever is last.
func TestHoldRaces(t *testing.T) {
	s := newFS(t, osfile.Config{})
	path := filepath.Join(t.TempDir(), "a")
	for range 50 {
		f, err := s.Open(path, ioengine.OpenFlags{Create: true, Write: true})
		if err != nil {
			t.Fatal(err)
		}
		h := f.(ioengine.Holder)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for h.Hold() {
					if f.Fd() == ^uintptr(0) {
						t.Error("closed under a Hold")
					}
					h.Release()
					runtime.Gosched()
				}
			})
		}
		all.Go(func() { _ = f.Close() })
		all.Wait()
		if f.Fd() != ^uintptr(0) {
			t.Fatal("nobody closed the descriptor")
		}
	}
}

// TestAttach: one record a file, told of Close once, before or after it was hung there.
func TestAttach(t *testing.T) {
	s := newFS(t, osfile.Config{})
	for _, late := range []bool{false, true} {
		f, err := s.Open(t.TempDir(), ioengine.OpenFlags{})
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		attach := func() {
			if !f.(*osfile.File).Attach("mine", func() { told++ }) {
				t.Fatal("refused")
			}
			if f.(*osfile.File).Attach("other", func() {}) {
				t.Fatal("a second record")
			}
		}
		if !late {
			attach()
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if late {
			attach()
		}
		if told != 1 || f.(*osfile.File).Attached() != "mine" {
			t.Fatalf("late %v: told %d times, %v", late, told, f.(*osfile.File).Attached())
		}
	}
}
