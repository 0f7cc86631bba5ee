package ioenginetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"

	"flashstore/ioengine"
)

func fdText(f ioengine.File) string { return strconv.Itoa(int(f.Fd())) }

// shortWrite meets a file that takes only the first part of a write: a sealed one in memory.
func shortWrite(t *testing.T, e ioengine.Engine) {
	const size = 8 << 10
	path, release, err := sealedFile(size)
	if err != nil {
		t.Skip(err)
	}
	defer release()
	f, err := e.Files().Open(path, ioengine.OpenFlags{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	want, got := patterned(size+5000, 8), make([]byte, size)
	err = ioengine.Run(e, ioengine.Foreground, writeOp(f, 0, want[:6000], want[6000:]))
	if !errors.Is(err, syscall.EPERM) {
		t.Fatalf("a write that only fits in part: %v", err)
	}
	run(t, e, readOp(f, 0, got))
	if !bytes.Equal(got, want[:size]) {
		t.Fatal("the part that fits was not written")
	}
}

// failedSync: what cannot be synced says so once, and is not asked again.
func failedSync(t *testing.T, e ioengine.Engine) {
	const path = "/dev/full" // fsync(2): EINVAL, a special file
	f, err := e.Files().Open(path, ioengine.OpenFlags{Write: true})
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = f.Close() }()
	before := e.Stats()
	err = ioengine.Run(e, ioengine.Foreground, ioengine.Op{Kind: ioengine.DataSync, File: f})
	after := e.Stats()
	if !errors.Is(err, syscall.EINVAL) {
		t.Fatalf("sync of %s: %v", path, err)
	}
	if n := after.Errors - before.Errors; n != 1 {
		t.Errorf("%d errors counted", n)
	}
	if n := after.CQEs + after.PoolOps - before.CQEs - before.PoolOps; n != 1 {
		t.Errorf("%d operations for one sync", n)
	}
}

// closeFileInFlight closes files under their operations and opens others, which get the same
// descriptors: every byte must reach the file it was meant for.
func closeFileInFlight(t *testing.T, e ioengine.Engine) {
	dir := t.TempDir()
	open := func(name string) ioengine.File {
		f, err := e.Files().Open(dir+"/"+name, ioengine.OpenFlags{Create: true, Write: true})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const parts, partBytes = 8, 3000
	var under []submitted
	for i := range 60 {
		f := open(strconv.Itoa(i))
		p := patterned(parts*partBytes, uint64(i))
		var ops []ioengine.Op
		for at := 0; at < len(p); at += partBytes {
			ops = append(ops, writeOp(f, int64(at), p[at:at+partBytes]))
		}
		under = append(under, submit(e, ops...))
		_ = f.Close()
		late := submit(e, writeOp(f, 0, make([]byte, 10)))
		<-late.done
		if !errors.Is(late.Err(), syscall.EBADF) {
			t.Fatalf("write to a closed file: %v", late.Err())
		}
	}
	for i, b := range under {
		<-b.done
		if err := b.Err(); err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
		f := open(strconv.Itoa(i))
		got := make([]byte, parts*partBytes)
		run(t, e, readOp(f, 0, got))
		if !bytes.Equal(got, patterned(len(got), uint64(i))) {
			t.Fatalf("file %d has other bytes", i)
		}
		if n, err := f.Size(); n != int64(len(got)) || err != nil {
			t.Fatalf("file %d: size %d, %v", i, n, err)
		}
		_ = f.Close()
	}
}

// filesComeAndGo works on files at random, closing and opening them in between: an engine
// that knows files by numbers of its own must not mix them up.
func filesComeAndGo(t *testing.T, e ioengine.Engine) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	const count = 12
	var files [count]ioengine.File
	var rounds [count]uint64
	buf := make([]byte, 100)
	for step := range 800 {
		i := random.IntN(count)
		if files[i] == nil {
			f, err := e.Files().Open(dir+"/"+strconv.Itoa(i),
				ioengine.OpenFlags{Create: true, Write: true})
			if err != nil {
				t.Fatal(err)
			}
			files[i] = f
		}
		f := files[i]
		if rounds[i] > 0 {
			run(t, e, readOp(f, 0, buf))
			if !bytes.Equal(buf, patterned(len(buf), uint64(i)<<32|rounds[i])) {
				t.Fatalf("seed %d, step %d: file %d has other bytes", seed, step, i)
			}
		}
		rounds[i]++
		run(t, e, writeOp(f, 0, patterned(len(buf), uint64(i)<<32|rounds[i])))
		if random.IntN(12) == 0 {
			_ = f.Close()
			files[i] = nil
		}
	}
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
