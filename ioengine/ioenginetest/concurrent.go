package ioenginetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/ioengine"
)

const (
	writers        = 16
	roundsEach     = 12
	chunkBytes     = 16 << 10
	chunksPerFile  = writers * 2
	filesPerWriter = 4
)

// concurrentBatches lets many goroutines write and read batches over the same files, each in
// its own chunks; every chunk says who wrote it, where, and in which round.
func concurrentBatches(t *testing.T, e ioengine.Engine) {
	seed := rand.Uint64()
	var files [filesPerWriter]ioengine.File
	for i := range files {
		files[i] = openNew(t, e, i%2 == 0)
	}
	var all sync.WaitGroup
	failures := make(chan error, writers)
	for w := range writers {
		all.Go(func() {
			if err := writeAndCheck(e, files[:], w, seed); err != nil {
				failures <- err
			}
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		t.Errorf("seed %d: %v", seed, err)
	}
}

func writeAndCheck(e ioengine.Engine, files []ioengine.File, w int, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, uint64(w)))
	out, in := aligned(len(files)*chunkBytes), aligned(len(files)*chunkBytes)
	for round := range roundsEach {
		var writes, reads []ioengine.Op
		for i, f := range files {
			offsetBytes := int64(w+writers*random.IntN(2)) * chunkBytes
			chunk := out[i*chunkBytes : (i+1)*chunkBytes]
			describe(chunk, w, i, round, offsetBytes)
			half := ioengine.AlignBytes * (1 + random.IntN(3))
			op := writeOp(f, offsetBytes, chunk[:half], chunk[half:])
			op.DSync = random.IntN(4) == 0
			writes = append(writes, op)
			reads = append(reads, readOp(f, offsetBytes, in[i*chunkBytes:(i+1)*chunkBytes]))
		}
		class := ioengine.Class(random.IntN(int(ioengine.Scrub) + 1))
		if err := ioengine.Run(e, class, writes...); err != nil {
			return err
		}
		clear(in)
		if err := ioengine.Run(e, class, reads...); err != nil {
			return err
		}
		if string(in) != string(out) {
			return fmt.Errorf("writer %d, round %d: other bytes came back", w, round)
		}
	}
	return nil
}

// describe fills chunk with its own coordinates, every 64 bytes.
func describe(chunk []byte, w, file, round int, offsetBytes int64) {
	for at := 0; at+64 <= len(chunk); at += 64 {
		binary.LittleEndian.PutUint64(chunk[at:], uint64(w)<<32|uint64(file)<<16|uint64(round))
		binary.LittleEndian.PutUint64(chunk[at+8:], uint64(offsetBytes)+uint64(at))
	}
}

// batchReuse submits one batch again and again.
func batchReuse(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	done := make(chan struct{}, 1)
	var calls atomic.Int32
	b := &ioengine.Batch{Done: func(*ioengine.Batch) { calls.Add(1); done <- struct{}{} }}
	buf := make([]byte, 100)
	const rounds = 200
	for i := range rounds {
		op := writeOp(f, int64(i), buf)
		b.Ops = append(b.Ops[:0], op, op, op)
		e.Submit(b)
		<-done
		if err := b.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n := calls.Load(); n != rounds {
		t.Fatalf("Done called %d times for %d batches", n, rounds)
	}
	past := readOp(f, 1<<20, buf)
	for _, want := range []error{io.ErrUnexpectedEOF, nil} { // errors of the past are forgotten
		b.Ops = append(b.Ops[:0], past)
		e.Submit(b)
		<-done
		if err := b.Err(); !errors.Is(err, want) {
			t.Fatalf("%v, not %v", err, want)
		}
		past, past.OffsetBytes = b.Ops[0], 0
	}
}

// doneTakesALock: Done is never called by Submit itself, whatever is submitted: the submitter
// may hold what Done takes.
func doneTakesALock(t *testing.T, e ioengine.Engine) {
	f, closed := openNew(t, e, false), openNew(t, e, false)
	_ = closed.Close()
	var mu sync.Mutex
	for _, ops := range [][]ioengine.Op{
		{writeOp(f, 0, make([]byte, 10)), readOp(f, 0, make([]byte, 5))},
		{writeOp(f, 0)}, // nothing to do
		{readOp(closed, 0, make([]byte, 5))},
		{{Kind: ioengine.DataSync, File: f}},
	} {
		done := make(chan struct{}) // a second Done would panic
		b := &ioengine.Batch{Ops: ops, Done: func(*ioengine.Batch) {
			mu.Lock()
			defer mu.Unlock()
			close(done)
		}}
		mu.Lock()
		e.Submit(b)
		mu.Unlock()
		<-done
	}
}

func submitAfterClose(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // a submitter may hold what Done takes
	done := make(chan struct{})
	b := &ioengine.Batch{
		Ops: []ioengine.Op{writeOp(f, 0, make([]byte, 1)), readOp(f, 0, make([]byte, 1))},
		Done: func(*ioengine.Batch) {
			mu.Lock()
			defer mu.Unlock()
			close(done)
		},
	}
	mu.Lock()
	e.Submit(b)
	mu.Unlock()
	<-done
	for i := range b.Ops {
		if !errors.Is(b.Ops[i].Err, ioengine.ErrClosed) {
			t.Errorf("operation %d after Close: %v", i, b.Ops[i].Err)
		}
	}
}

// closeUnderLoad closes while batches are submitted: each ends, well or with ErrClosed.
func closeUnderLoad(t *testing.T, e ioengine.Engine) {
	f := openNew(t, e, false)
	started := make(chan struct{}, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			buf := make([]byte, 4<<10)
			for first := true; ; first = false {
				op := writeOp(f, int64(w)*4<<10, buf)
				err := ioengine.Run(e, ioengine.Foreground, op, op, op)
				if first {
					started <- struct{}{}
				}
				if errors.Is(err, ioengine.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range writers {
		<-started
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}

func closeTwice(t *testing.T, e ioengine.Engine) {
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
