package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive/local"
	"flashstore/engine/object"
	"flashstore/ioengine"
)

func benchFixture(b *testing.B) *fixture {
	f := newFixture(b, 4, 2)
	f.bucket("bucket")
	return f
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := benchFixture(b)
			const keys = 1000
			for i := range keys {
				f.mustPut(benchKey(i), pattern(size, 1))
			}
			f.awaitSettles()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; !f.readAway(benchKey(i % keys)) {
					b.Fatal("a key is gone")
				}
			}
		})
	}
}

func benchKey(i int) object.Key { return object.Key(fmt.Sprintf("prefix/key-%06d", i)) }

// readAway reads key without copying it.
func (f *fixture) readAway(key object.Key) bool {
	ctx := context.Background()
	h, err := f.store.Open(ctx, object.Ref{Bucket: "bucket", Key: key})
	if err != nil {
		return false
	}
	defer h.Close()
	for {
		if _, err := h.Next(ctx); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := benchFixture(b)
			body := pattern(size, 1)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					f.mustPut(benchKey(i), body)
				}
			})
		})
	}
}

// sink is an engine on which writes of whole blocks of memory cost nothing: bulk shards go there,
// the log stays real.
type sink struct{ ioengine.Engine }

func (s sink) Submit(b *ioengine.Batch) {
	for i := range b.Ops {
		if op := &b.Ops[i]; op.Kind != ioengine.Write || len(op.Bufs[0]) < arena.BlockBytes {
			s.Engine.Submit(b)
			return
		}
	}
	b.Arm()
	go func() {
		for range len(b.Ops) {
			b.Finish()
		}
	}()
}

// BenchmarkPutSink is what an object of 16 MiB costs a core above the disk: the body's copy,
// parity, checksums. Run it with -cpu 1.
func BenchmarkPutSink(b *testing.B) {
	for _, checksum := range []string{local.XXH3, local.HighwayHash} {
		b.Run(checksum, func(b *testing.B) {
			f := benchFixture(b)
			f.stop()
			f.io, f.checksum = sink{f.io}, checksum
			f.start()
			body := pattern(16<<20, 1)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			begun := cpuTime()
			for i := 0; b.Loop(); i++ {
				f.mustPut(benchKey(i%8), body)
			}
			b.ReportMetric(float64((cpuTime()-begun).Microseconds())/float64(16*b.N), "cpu-us/MiB")
		})
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkList lists pages of 1,000 of 20,000 keys.
func BenchmarkList(b *testing.B) {
	f := benchFixture(b)
	const keys = 20_000
	body := pattern(40, 1)
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < keys; i += 64 {
				f.mustPut(benchKey(i), body)
			}
		})
	}
	wg.Wait()
	f.awaitSettles()
	f.restart()
	b.ReportAllocs()
	after, cpu := "", cpuTime()
	for b.Loop() {
		page, err := f.store.List(context.Background(), "bucket",
			object.ListQuery{After: after, Max: 1000})
		if err != nil || len(page.Entries) != 1000 {
			b.Fatal(len(page.Entries), err)
		}
		after = page.Next
	}
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-us/page")
}
