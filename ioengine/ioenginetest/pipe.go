package ioenginetest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"flashstore/ioengine"
)

// A named pipe is the one file at hand whose operations are short, or never end, whenever a
// test wants that. Engines that read at an offset refuse it at once (ESPIPE), which is an
// answer too: then there is nothing that could go wrong.

// openPipe opens both ends, so that opening does not wait.
func openPipe(t *testing.T, e ioengine.Engine) ioengine.File {
	t.Helper()
	path := t.TempDir() + "/pipe"
	if err := makePipe(path); err != nil {
		t.Fatal(err)
	}
	f, err := e.Files().Open(path, ioengine.OpenFlags{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// submitted is a batch under way.
type submitted struct {
	*ioengine.Batch
	done chan struct{}
}

func submit(e ioengine.Engine, ops ...ioengine.Op) submitted {
	s := submitted{done: make(chan struct{})}
	s.Batch = &ioengine.Batch{Ops: ops, Done: func(*ioengine.Batch) { close(s.done) }}
	e.Submit(s.Batch)
	return s
}

// isDone asks without waiting.
func (s submitted) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// shortPipe moves more through a pipe than it holds: every write and read is short.
func shortPipe(t *testing.T, e ioengine.Engine) {
	f := openPipe(t, e)
	other, err := os.OpenFile("/proc/self/fd/"+fdText(f), os.O_RDWR, 0)
	if err != nil {
		t.Skip(err) // no /proc
	}
	defer func() { _ = other.Close() }()
	const size = 300_001
	want, got := patterned(size, 6), make([]byte, size)
	err = ioengine.Run(e, ioengine.Foreground, writeOp(f, 0, want[:1]))
	if errors.Is(err, syscall.ESPIPE) {
		return
	}
	write := submit(e, writeOp(f, 0, want[1:99], want[99:200_000], want[200_000:]))
	_, err = io.ReadFull(other, got)
	<-write.done
	if err != nil || write.Err() != nil || !bytes.Equal(got, want) {
		t.Fatalf("write: %v; read: %v; or other bytes arrived", write.Err(), err)
	}
	clear(got)
	read := submit(e, readOp(f, 0, got[:150_000], got[150_000:150_001], got[150_001:]))
	_, err = other.Write(want)
	<-read.done
	if err != nil || read.Err() != nil || !bytes.Equal(got, want) {
		t.Fatalf("write: %v; read: %v; or other bytes came back", err, read.Err())
	}
}

// bufferStaysLent: while one operation of a batch waits in the kernel the batch is not done,
// whatever else the engine does, and though the file was closed.
func bufferStaysLent(t *testing.T, e ioengine.Engine) {
	f, other := openPipe(t, e), openNew(t, e, false)
	feeder, err := syscall.Open("/proc/self/fd/"+fdText(f), syscall.O_RDWR, 0)
	if err != nil {
		t.Skip(err) // no /proc
	}
	defer func() { _ = syscall.Close(feeder) }()
	want, got := patterned(5000, 7), make([]byte, 5000)
	lent := submit(e, readOp(f, 0, got), writeOp(other, 0, want))
	_ = f.Close()
	for i := range 50 {
		run(t, e, writeOp(other, int64(i)*5000, want))
		if lent.isDone() {
			if errors.Is(lent.Ops[0].Err, syscall.ESPIPE) {
				return
			}
			t.Fatalf("done with nothing to read: %v", lent.Err())
		}
	}
	for _, part := range [][]byte{want[:1], want[1:4000], want[4000:]} {
		if n, err := syscall.Write(feeder, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	<-lent.done
	if errors.Is(lent.Ops[0].Err, syscall.ESPIPE) {
		return // pread(2) refuses a pipe, and this thread was late to say so
	}
	if lent.Err() != nil || !bytes.Equal(got, want) {
		t.Fatalf("a read that waited: %v", lent.Err())
	}
}

// RunStuck is the part of the suite for engines whose Close waits a moment only (DrainMax of
// their Configs, 50 ms or so).
func RunStuck(t *testing.T, newEngine NewFunc) {
	t.Helper()
	t.Run("CloseCancels", func(t *testing.T) { closeCancels(t, newEngine(t)) })
	t.Run("CloseGivesUp", func(t *testing.T) { closeGivesUp(t, newEngine(t)) })
}

// closeCancels: reads that would wait for ever end with ErrClosed, also those in line.
func closeCancels(t *testing.T, e ioengine.Engine) {
	f := openPipe(t, e)
	var all []submitted
	for range 10 {
		all = append(all, submit(e, readOp(f, 0, make([]byte, 10)), readOp(f, 0, make([]byte, 9))))
	}
	if err := e.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for i, b := range all {
		<-b.done
		for _, op := range b.Ops {
			if !errors.Is(op.Err, ioengine.ErrClosed) && !errors.Is(op.Err, syscall.ESPIPE) {
				t.Errorf("batch %d: %v", i, op.Err)
			}
		}
	}
}

// stuckFile has a descriptor that takes its time: the engine hangs in the middle of an
// operation, as on a disk that does not answer.
type stuckFile struct {
	ioengine.File
	stuck, release chan struct{}
}

func (f stuckFile) Fd() uintptr {
	select {
	case f.stuck <- struct{}{}:
	default:
	}
	<-f.release
	return f.File.Fd()
}

// closeGivesUp: Close comes back from an operation that does not, and its buffer is given
// back only when it really has ended.
func closeGivesUp(t *testing.T, e ioengine.Engine) {
	f := stuckFile{openNew(t, e, false), make(chan struct{}, 1), make(chan struct{})}
	op := writeOp(f, 0, make([]byte, 100))
	b := submit(e, op)
	<-f.stuck
	start := time.Now()
	if err := e.Close(); !errors.Is(err, ioengine.ErrStuck) {
		t.Fatalf("Close: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Close took %v", d)
	}
	if b.isDone() {
		t.Fatal("the buffer came back before the operation ended")
	}
	late := submit(e, op)
	<-late.done
	if !errors.Is(late.Err(), ioengine.ErrClosed) {
		t.Fatalf("submitted after Close: %v", late.Err())
	}
	close(f.release)
	<-b.done
	if err := b.Err(); err != nil && !errors.Is(err, ioengine.ErrClosed) {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatalf("Close, once nothing is stuck: %v", err)
	}
}
