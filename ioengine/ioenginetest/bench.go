package ioenginetest

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"flashstore/ioengine"
)

const benchFileBytes = 64 << 20

// Bench measures what the drives ask for most. Each result also says the CPU time of the
// whole process per operation, which a machine shared with clients is short of.
func Bench(b *testing.B, newEngine NewFunc) {
	b.Helper()
	for _, depth := range []int{1, 16} {
		b.Run(fmt.Sprintf("write=16KiB-dsync/depth=%d", depth), func(b *testing.B) {
			bench(b, newEngine(b), benchShape{write: true, opBytes: 16 << 10, depth: depth})
		})
		b.Run(fmt.Sprintf("read=64KiB-direct/depth=%d", depth), func(b *testing.B) {
			bench(b, newEngine(b), benchShape{opBytes: 64 << 10, depth: depth})
		})
	}
	b.Run("write=4x16KiB-dsync/depth=16", func(b *testing.B) {
		bench(b, newEngine(b), benchShape{write: true, opBytes: 16 << 10, depth: 16, batch: 4})
	})
	b.Run("read=4x16KiB-direct/depth=16", func(b *testing.B) {
		bench(b, newEngine(b), benchShape{opBytes: 16 << 10, depth: 16, batch: 4})
	})
}

// benchShape is what one benchmark does: depth goroutines, each with one batch at a time
// whose operations go to that many different files.
type benchShape struct {
	write   bool
	opBytes int
	depth   int
	batch   int // 0: 1
}

func bench(b *testing.B, e ioengine.Engine, s benchShape) {
	b.Helper()
	s.batch = max(s.batch, 1)
	files := make([]ioengine.File, s.batch)
	for i := range files {
		files[i] = prewritten(b, e, benchFileBytes)
	}
	b.SetBytes(int64(s.opBytes * s.batch))
	next := make(chan int64, s.depth)
	var all sync.WaitGroup
	cpu := processCPU()
	b.ResetTimer()
	for range s.depth {
		all.Go(func() { benchWorker(b, e, s, files, next) })
	}
	for i := range b.N {
		next <- int64(i)
	}
	close(next)
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64((processCPU()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchWorker(
	b *testing.B, e ioengine.Engine, s benchShape, files []ioengine.File, next <-chan int64,
) {
	done := make(chan struct{}, 1)
	batch := &ioengine.Batch{Done: func(*ioengine.Batch) { done <- struct{}{} }}
	for _, f := range files {
		op := readOp(f, 0, aligned(s.opBytes))
		if s.write {
			op.Kind, op.DSync = ioengine.Write, true
		}
		batch.Ops = append(batch.Ops, op)
	}
	for i := range next {
		for j := range batch.Ops {
			batch.Ops[j].OffsetBytes = i * int64(s.opBytes) % benchFileBytes
		}
		e.Submit(batch)
		<-done
		if err := batch.Err(); err != nil {
			b.Error(err)
			return
		}
	}
}

// prewritten returns a direct file of bytes whose blocks have all been written once.
func prewritten(t testing.TB, e ioengine.Engine, bytes int64) ioengine.File {
	t.Helper()
	f := openNew(t, e, true)
	buf := aligned(1 << 20)
	for at := int64(0); at < bytes; at += int64(len(buf)) {
		run(t, e, writeOp(f, at, buf))
	}
	run(t, e, ioengine.Op{Kind: ioengine.DataSync, File: f})
	return f
}

func processCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
