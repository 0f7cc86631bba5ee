package arenatest

import (
	"testing"

	"flashstore/arena"
)

// Bench measures what a request pays: a scratch arena, and blocks for a body.
func Bench(b *testing.B, newAllocator NewFunc) {
	b.Helper()
	b.Run("request", func(b *testing.B) { benchRequests(b, newAllocator(b, 64<<20)) })
	b.Run("borrow=1", func(b *testing.B) { benchBorrow(b, newAllocator(b, 64<<20), 1) })
	b.Run("borrow=32", func(b *testing.B) { benchBorrow(b, newAllocator(b, 64<<20), 32) })
}

// benchRequests is eight small allocations, which are written to, and a Reset.
func benchRequests(b *testing.B, a arena.Allocator) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		scratch := a.NewArena(0)
		for pb.Next() {
			for i := range 8 {
				scratch.Alloc(64 << (i % 4))[0] = 1
			}
			scratch.Reset()
		}
	})
	closeBench(b, a)
}

func benchBorrow(b *testing.B, a arena.Allocator, count int) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		list := make([]*arena.Block, count)
		for pb.Next() {
			if err := a.Borrow(list, 0); err != nil {
				b.Error(err)
				return
			}
			for _, block := range list {
				block.Bytes[0] = 1
			}
			a.Return(list)
		}
	})
	closeBench(b, a)
}

func closeBench(b *testing.B, a arena.Allocator) {
	b.Helper()
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
}
