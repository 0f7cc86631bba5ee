package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"flashstore/engine/object"
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
	h, err := f.store.Open(ctx, "bucket", key)
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
