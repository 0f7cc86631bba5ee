package ioenginetest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"flashstore/ioengine"
)

func pastEnd(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	run(t, e, writeOp(f, 0, patterned(5000, 1)))
	for _, offsetBytes := range []int64{4500, 5000, 1 << 30} {
		op := readOp(f, offsetBytes, make([]byte, 1000))
		err := ioengine.Run(e, ioengine.Foreground, op)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("read at %d of 5000 bytes: %v", offsetBytes, err)
		}
	}
}

// pastEndDirect meets an end of file that is not aligned, where continuing is EINVAL.
func pastEndDirect(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, true)
	run(t, e, writeOp(f, 0, patterned(16<<10, 1)))
	if err := f.Truncate(9000); err != nil {
		t.Fatal(err)
	}
	op := readOp(f, 4<<10, aligned(4<<10), aligned(8<<10))
	if err := ioengine.Run(e, ioengine.Foreground, op); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("direct read over the end: %v", err)
	}
}

func badDescriptor(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	_ = f.Close()
	ops := []ioengine.Op{
		readOp(f, 0, make([]byte, 8)),
		writeOp(f, 0, make([]byte, 8)),
		{Kind: ioengine.DataSync, File: f},
	}
	for _, op := range ops {
		if err := ioengine.Run(e, ioengine.Foreground, op); !errors.Is(err, syscall.EBADF) {
			t.Fatalf("kind %d on a closed file: %v", op.Kind, err)
		}
	}
}

// noSpace writes to /dev/full, which is always full.
func noSpace(t *testing.T, e ioengine.Engine) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	f, err := e.Files().Open("/dev/full", ioengine.OpenFlags{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	err = ioengine.Run(e, ioengine.Foreground, writeOp(f, 0, make([]byte, 100)))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("write to /dev/full: %v", err)
	}
}

// errorsStayApart puts good and bad operations into one batch.
func errorsStayApart(t *testing.T, e ioengine.Engine) {
	good, bad := openNew(t, e, false), openNew(t, e, false)
	_ = bad.Close()
	var ops []ioengine.Op
	for i := range 10 {
		f := good
		if i%3 == 1 {
			f = bad
		}
		ops = append(ops, writeOp(f, int64(i)*100, make([]byte, 100)))
	}
	done := make(chan struct{})
	b := &ioengine.Batch{Ops: ops, Done: func(*ioengine.Batch) { close(done) }}
	e.Submit(b)
	<-done
	for i := range b.Ops {
		if failed := b.Ops[i].Err != nil; failed != (i%3 == 1) {
			t.Errorf("operation %d: %v", i, b.Ops[i].Err)
		}
	}
}

func readCached(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	want := patterned(32<<10, 1)
	run(t, e, writeOp(f, 0, want))
	got := make([]byte, len(want))
	hit, err := e.ReadCached(f, got, 0)
	if err != nil || !hit {
		t.Fatalf("just written, yet not cached: %v, %v", hit, err)
	}
	if string(got) != string(want) {
		t.Fatal("other bytes came back")
	}
	if hit, err = e.ReadCached(f, got, 1); hit || err != nil {
		t.Fatalf("a read over the end must miss: %v, %v", hit, err)
	}
	cachedMiss(t, e, f, got)
	direct := openNew(t, e, true)
	if direct.Direct() {
		if hit, err = e.ReadCached(direct, got, 0); hit || err != nil {
			t.Fatalf("direct file: %v, %v", hit, err)
		}
	}
	_ = f.Close()
	if _, err = e.ReadCached(f, got, 0); !errors.Is(err, syscall.EBADF) {
		t.Fatalf("closed file: %v", err)
	}
}

// cachedMiss drops the pages of f until ReadCached misses. Dropping is advice that the kernel
// follows only for pages nobody looks at, so it may take some tries.
func cachedMiss(t *testing.T, e ioengine.Engine, f ioengine.File, p []byte) {
	t.Helper()
	for range 1000 {
		run(t, e, ioengine.Op{Kind: ioengine.DataSync, File: f})
		if !dropCache(f) {
			return
		}
		hit, err := e.ReadCached(f, p, 0)
		if err != nil {
			t.Fatalf("read of dropped pages: %v", err)
		}
		if !hit {
			return
		}
	}
	t.Fatal("dropped pages are always cached")
}

func lock(t *testing.T, e ioengine.Engine) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := e.Files().Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Files().Lock(path); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatalf("second lock: %v", err)
	}
	_ = f.Close()
}

func stats(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	before := e.Stats()
	op := writeOp(f, 0, make([]byte, 1000))
	op.DSync = true
	run(t, e, op, writeOp(f, 2000, make([]byte, 10)))
	run(t, e, readOp(f, 0, make([]byte, 500)))
	_ = ioengine.Run(e, ioengine.Foreground, readOp(f, 1<<20, make([]byte, 1)))
	after := e.Stats()
	for _, c := range []struct {
		name string
		got  uint64
		want uint64
	}{
		{"Submissions", after.Submissions - before.Submissions, 3},
		{"WriteBytes", after.WriteBytes - before.WriteBytes, 1010},
		{"ReadBytes", after.ReadBytes - before.ReadBytes, 500},
		{"SyncWrites", after.SyncWrites - before.SyncWrites, 1},
		{"Errors", after.Errors - before.Errors, 1},
	} {
		if c.got != c.want {
			t.Errorf("%s went up by %d, not %d", c.name, c.got, c.want)
		}
	}
	if after.CQEs+after.PoolOps <= before.CQEs+before.PoolOps {
		t.Error("neither CQEs nor PoolOps prove that this engine worked")
	}
}
