package threadpool

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"flashstore/ioengine"
)

// The tests of this file put themselves between the workers and the system (Engine.calls),
// which really works but refuses and shortens what they want.

// testEngine is an engine of one worker. change gets the real calls before the worker has made
// any.
func testEngine(t *testing.T, change func(*calls)) (*Engine, ioengine.File) {
	t.Helper()
	e, err := New(Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	change(&e.calls)
	f, err := e.Files().Open(filepath.Join(t.TempDir(), "file"),
		ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, f
}

func op(kind ioengine.Kind, f ioengine.File, dsync bool, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: kind, File: f, Bufs: bufs, DSync: dsync}
}

func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}

// shorten is at most n bytes of bufs.
func shorten(bufs [][]byte, n int) [][]byte {
	b := bufs[0]
	return [][]byte{b[:min(len(b), n)]}
}

// TestShortTransfers: of every read and write the system moves some bytes, or is interrupted
// first; the rest is asked for again, durable writes as durable ones.
func TestShortTransfers(t *testing.T) {
	var reads, writes, durable, syncs atomic.Int32
	e, f := testEngine(t, func(c *calls) {
		real := *c
		c.readVector = func(fd int, bufs [][]byte, at int64) (int, error) {
			if reads.Add(1)%3 == 0 {
				return 0, syscall.EINTR
			}
			return real.readVector(fd, shorten(bufs, 700), at)
		}
		c.writeVector = func(fd int, bufs [][]byte, at int64, dsync bool) (int, error) {
			if writes.Add(1)%3 == 0 {
				return 0, syscall.EINTR
			}
			if dsync {
				durable.Add(1)
			}
			return real.writeVector(fd, shorten(bufs, 900), at, dsync)
		}
		c.dataSync = func(fd int) error { syncs.Add(1); return real.dataSync(fd) }
	})
	want, got := pattern(10_000), make([]byte, 10_000)
	err := ioengine.Run(e, ioengine.Foreground,
		op(ioengine.Write, f, true, want[:100], want[100:5000], want[5000:]))
	if err == nil {
		err = ioengine.Run(e, ioengine.Foreground,
			op(ioengine.Read, f, false, got[:3000], got[3000:]))
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v, or other bytes came back", err)
	}
	if durable.Load() < 12 || syncs.Load() != 0 {
		t.Errorf("%d pieces were durable writes, %d syncs", durable.Load(), syncs.Load())
	}
}

// TestNoDSync: where the system has no RWF_DSYNC a durable write goes without, and one
// fdatasync follows its last piece; that there is none is remembered.
func TestNoDSync(t *testing.T) {
	var story []byte // of the one worker
	e, f := testEngine(t, func(c *calls) {
		real := *c
		c.writeVector = func(fd int, bufs [][]byte, at int64, dsync bool) (int, error) {
			if dsync {
				story = append(story, 'D')
				return 0, errNoDSync
			}
			story = append(story, 'w')
			return real.writeVector(fd, shorten(bufs, 60), at, false)
		}
		c.dataSync = func(fd int) error {
			story = append(story, 's')
			return real.dataSync(fd)
		}
	})
	want, got := pattern(100), make([]byte, 100)
	err := ioengine.Run(e, ioengine.Foreground, op(ioengine.Write, f, true, got))
	if err == nil {
		err = ioengine.Run(e, ioengine.Foreground, op(ioengine.Write, f, true, want))
	}
	if err == nil {
		err = ioengine.Run(e, ioengine.Foreground, op(ioengine.Read, f, false, got))
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v, or other bytes came back", err)
	}
	if string(story) != "Dwwswws" {
		t.Errorf("the calls were %s", story)
	}
}

// TestFailedSyncs: a sync that fails, on its own or after a write without RWF_DSYNC, is asked
// for once, and is the operation's error.
func TestFailedSyncs(t *testing.T) {
	var syncs atomic.Int32
	e, f := testEngine(t, func(c *calls) {
		real := *c
		c.writeVector = func(fd int, bufs [][]byte, at int64, dsync bool) (int, error) {
			if dsync {
				return 0, errNoDSync
			}
			return real.writeVector(fd, bufs, at, false)
		}
		c.dataSync = func(int) error { syncs.Add(1); return syscall.EINTR }
	})
	for i, o := range []ioengine.Op{
		op(ioengine.DataSync, f, false), op(ioengine.Write, f, true, pattern(10)),
	} {
		err := ioengine.Run(e, ioengine.Foreground, o)
		if n := syncs.Swap(0); n != 1 || !errors.Is(err, syscall.EINTR) {
			t.Errorf("operation %d: %v after %d syncs", i, err, n)
		}
	}
}
