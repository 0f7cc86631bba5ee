package ioenginetest

import (
	"bytes"
	"testing"

	"flashstore/ioengine"
)

// roundTrip writes with and without DSync at several offsets and reads back.
func roundTrip(t *testing.T, e ioengine.Engine, direct bool) {
	f := openNew(t, e, direct)
	for i, dsync := range []bool{false, true} {
		want := patterned(64<<10, uint64(i))
		offsetBytes := int64(i) * 128 << 10
		op := writeOp(f, offsetBytes, want)
		op.DSync = dsync
		run(t, e, op)
		got := aligned(len(want))
		run(t, e, readOp(f, offsetBytes, got))
		if !bytes.Equal(got, want) {
			t.Fatalf("dsync %v: other bytes came back", dsync)
		}
	}
	hole := patterned(64<<10, 9)
	run(t, e, readOp(f, 64<<10, hole))
	if !bytes.Equal(hole, make([]byte, len(hole))) {
		t.Fatal("a write spilled over its range")
	}
}

// vectored writes from three uneven buffers and reads into four others.
func vectored(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	want := patterned(100_000, 1)
	run(t, e, writeOp(f, 77, want[:1], want[1:50_000], nil, want[50_000:]))
	got := make([]byte, len(want))
	run(t, e, readOp(f, 77, got[:33_333], got[33_333:33_334], got[33_334:99_999], got[99_999:]))
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes came back")
	}
}

// manyBuffers passes IOV_MAX (1024), which no single system call takes.
func manyBuffers(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	const count, size = 2500, 31
	want, got := patterned(count*size, 2), make([]byte, count*size)
	var from, to [][]byte
	for i := range count {
		from = append(from, want[i*size:(i+1)*size])
		to = append(to, got[i*size:(i+1)*size])
	}
	run(t, e, writeOp(f, 0, from...))
	run(t, e, readOp(f, 0, to...))
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes came back")
	}
	if !bytes.Equal(from[1], want[size:2*size]) || len(from[0]) != size {
		t.Fatal("the engine changed the caller's Bufs")
	}
}

// large moves more than 512 KiB in one operation, direct and with DSync, uneven buffers.
func large(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, true)
	const size = 3<<20 + 4<<10
	want, got := patterned(size, 3), aligned(size)
	op := writeOp(f, 8<<10, want[:4<<10], want[4<<10:1<<20], want[1<<20:])
	op.DSync = true
	run(t, e, op)
	run(t, e, readOp(f, 8<<10, got[:2<<20], got[2<<20:]))
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes came back")
	}
}

func oneBatchManyFiles(t *testing.T, e ioengine.Engine) {
	const files = 12
	var writes, reads []ioengine.Op
	var want, got [files][]byte
	for i := range files {
		f := openNew(t, e, i%2 == 0)
		want[i], got[i] = patterned(16<<10, uint64(i)), aligned(16<<10)
		op := writeOp(f, 4<<10, want[i])
		op.DSync = i%3 == 0
		writes = append(writes, op)
		reads = append(reads, readOp(f, 4<<10, got[i]))
	}
	run(t, e, writes...)
	run(t, e, reads...)
	for i := range files {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("file %d: other bytes came back", i)
		}
	}
}

// empty operations succeed and move nothing.
func empty(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	sync := writeOp(f, 10, []byte{})
	sync.DSync = true
	run(t, e, writeOp(f, 10), readOp(f, 10), readOp(f, 10, nil, []byte{}), sync)
	if n, err := f.Size(); n != 0 || err != nil {
		t.Fatalf("size %d, %v", n, err)
	}
}

func dataSync(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	run(t, e, writeOp(f, 0, patterned(10_000, 4)))
	run(t, e, ioengine.Op{Kind: ioengine.DataSync, File: f})
}

func punch(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, true)
	p := patterned(64<<10, 5)
	run(t, e, writeOp(f, 0, p))
	if err := f.Punch(16<<10, 16<<10); err != nil {
		t.Skip(err)
	}
	got := aligned(len(p))
	run(t, e, readOp(f, 0, got))
	clear(p[16<<10 : 32<<10])
	if !bytes.Equal(got, p) {
		t.Fatal("a punched range must read as zeros, its neighbours as before")
	}
}
