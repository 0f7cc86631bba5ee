//go:build linux && (amd64 || arm64)

package uring_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"flashstore/ioengine/uring"
)

// TestCloseLeavesNothing: descriptors and mappings of rings are gone after Close.
func TestCloseLeavesNothing(t *testing.T) {
	open := newWith(uring.Config{Rings: 4})
	if err := open(t).Close(); err != nil { // the runtime's own descriptors exist now
		t.Fatal(err)
	}
	fds, maps := footprint(t)
	for range 5 {
		if err := open(t).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if fdsNow, mapsNow := footprint(t); fdsNow != fds || mapsNow != maps {
		t.Fatalf("%d descriptors and %d ring mappings became %d and %d",
			fds, maps, fdsNow, mapsNow)
	}
}

func footprint(t *testing.T) (fds, maps int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	return len(entries), bytes.Count(text, []byte("io_uring"))
}

// TestProbeLeavesNothing: the probe's file is removed.
func TestProbeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	e, err := uring.New(uring.Config{ProbeDir: dir})
	if err != nil {
		t.Skip(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Fatalf("left behind: %q", left)
	}
}
