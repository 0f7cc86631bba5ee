package faulty_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/drivetest"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/drive/local"
	"flashstore/ioengine/threadpool"
)

func newDrive(t *testing.T) (*faulty.Drive, func() drive.Drive) {
	e, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	path := filepath.Join(t.TempDir(), "d")
	if err := local.Format(e, path, drive.Identity{Deployment: "dep"}); err != nil {
		t.Fatal(err)
	}
	open := func() *faulty.Drive {
		d, err := local.Open(local.Config{Path: path, Engine: e, LogSegmentBytes: 4 << 20,
			BulkSegmentBytes: 8 << 20, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := faulty.New(faulty.Config{Drive: d})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	d := open()
	return d, func() drive.Drive {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open()
		return d
	}
}

// TestConformance: without rules it is the wrapped drive.
func TestConformance(t *testing.T) {
	t.Parallel()
	drivetest.Run(t, func(t *testing.T) (drive.Drive, func() drive.Drive) { return newDrive(t) })
}

func record(name string, n uint64) *drive.Record {
	o := drive.Order{Term: 1, Sequence: n}
	return &drive.Record{Type: drive.TypePut, Key: drive.Key{Space: drive.SpaceObject, Name: name},
		Order: o, Token: o, WriteID: drive.WriteID{byte(n)}}
}

func commit(d drive.Drive, r *drive.Record) <-chan error {
	done := make(chan error, 1)
	d.Commit(r, func(err error) { done <- err })
	return done
}

func entries(t *testing.T, d drive.Drive, name string) int {
	t.Helper()
	s, err := d.Lookup(t.Context(), record(name, 1).Key, drive.LookupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return len(s.Entries)
}

var errInjected = errors.New("injected")

func TestErrors(t *testing.T) {
	t.Parallel()
	d, _ := newDrive(t)
	d.Set(faulty.Rule{Op: faulty.Commit, Skip: 1, Times: 2, Err: errInjected,
		Match: func(k drive.Key, kind drive.Type) bool { return k.Name == "a" }},
		faulty.Rule{Op: faulty.Commit, Err: errInjected, After: true, Times: 1,
			Match: func(k drive.Key, kind drive.Type) bool { return k.Name == "lost answer" }})
	for n, want := range []error{nil, errInjected, errInjected, nil} {
		if err := <-commit(d, record("a", uint64(n+1))); !errors.Is(err, want) {
			t.Fatalf("commit %d: %v, want %v", n, err, want)
		}
	}
	if n := entries(t, d, "a"); n != 2 {
		t.Fatalf("%d entries", n)
	}
	if err := <-commit(d, record("lost answer", 9)); !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	if entries(t, d, "lost answer") != 1 || d.Calls(faulty.Commit) != 5 {
		t.Fatal("the commit did not take effect")
	}
}

func TestHangAndDelay(t *testing.T) {
	t.Parallel()
	d, _ := newDrive(t)
	d.Set(faulty.Rule{Op: faulty.Commit, Hang: true, Times: 1})
	hung := commit(d, record("a", 1))
	if err := <-commit(d, record("a", 2)); err != nil || entries(t, d, "a") != 1 {
		t.Fatal("one hung commit stopped another", err)
	}
	select {
	case err := <-hung:
		t.Fatal("a hung commit ended by itself", err)
	default:
	}
	d.Release()
	if err := <-hung; err != nil || entries(t, d, "a") != 2 {
		t.Fatal(err)
	}
	d.Set(faulty.Rule{Op: faulty.Read, Delay: time.Microsecond, Err: drive.ErrCorrupt})
	if err := d.Read(t.Context(), &drive.Entry{}, nil, 0); !errors.Is(err, drive.ErrCorrupt) {
		t.Fatal(err)
	}
	d.Set(faulty.Rule{Op: faulty.Commit, Hang: true, After: true})
	hung = commit(d, record("b", 3))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-hung; err != nil {
		t.Fatal("Close did not let a hung call go on", err)
	}
}

func TestWriterFaults(t *testing.T) {
	t.Parallel()
	d, _ := newDrive(t)
	d.Set(faulty.Rule{Op: faulty.Create, Times: 1, Err: drive.ErrFull},
		faulty.Rule{Op: faulty.Write, Times: 1, Err: errInjected},
		faulty.Rule{Op: faulty.Seal, Times: 1, Err: errInjected})
	if _, err := d.Create(t.Context(), drive.ChunkBytes); !errors.Is(err, drive.ErrFull) {
		t.Fatal(err)
	}
	w, err := d.Create(t.Context(), drive.ChunkBytes)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for range 2 { // the first does not happen, so that the second fills the shard
		w.Write([][]byte{make([]byte, drive.ChunkBytes)}, func(err error) { done <- err })
	}
	if a, b := <-done, <-done; (a == nil) == (b == nil) {
		t.Fatal(a, b)
	}
	if _, err := w.Seal(); !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	if _, err := w.Seal(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
}
