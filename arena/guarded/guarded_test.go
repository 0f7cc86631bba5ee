package guarded_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"flashstore/arena"
	"flashstore/arena/arenatest"
	"flashstore/arena/guarded"
)

func newAllocator(t testing.TB, budgetBytes int64) arena.Allocator {
	t.Helper()
	a, err := guarded.New(guarded.Config{BudgetBytes: budgetBytes})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConformance(t *testing.T) { arenatest.Run(t, newAllocator) }

func TestConfig(t *testing.T) {
	for _, budgetBytes := range []int64{-1, 0, 1, 1 << 50} {
		if _, err := guarded.New(guarded.Config{BudgetBytes: budgetBytes}); err == nil {
			t.Errorf("budget of %d bytes accepted", budgetBytes)
		}
	}
}

// panicOf is what f panics with; a memory fault is such a panic here.
func panicOf(t *testing.T, f func()) (text string) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
			t.Error("nobody noticed")
		case error:
			text = p.Error()
		case string:
			text = p
		}
	}()
	f()
	return ""
}

// TestRules breaks each rule of package arena that this allocator notices.
func TestRules(t *testing.T) {
	const fault = "unexpected fault address"
	sink := byte(0)
	for name, c := range map[string]struct {
		breaks func(a arena.Allocator, b *arena.Block, s arena.Arena)
		want   string
	}{
		"read after return": {func(a arena.Allocator, b *arena.Block, _ arena.Arena) {
			a.Return([]*arena.Block{b})
			sink = b.Bytes[100]
		}, "invalid memory address"},
		"write after reset": {func(_ arena.Allocator, _ *arena.Block, s arena.Arena) {
			p := s.Alloc(10)
			s.Reset()
			p[0] = 1
		}, "invalid memory address"},
		"returned twice": {func(a arena.Allocator, b *arena.Block, _ arena.Arena) {
			a.Return([]*arena.Block{b})
			a.Return([]*arena.Block{b})
		}, "block 0 is returned by guarded/guarded_test.go:"},
		"foreign block": {func(a arena.Allocator, _ *arena.Block, _ arena.Arena) {
			a.Return([]*arena.Block{arena.MakeBlock()})
		}, "but not lent"},
		"behind a block": {func(_ arena.Allocator, b *arena.Block, _ arena.Arena) {
			beyond(b.Bytes, arena.BlockBytes)
		}, fault},
		"before a block": {func(_ arena.Allocator, b *arena.Block, _ arena.Arena) {
			beyond(b.Bytes, -1)
		}, fault},
		"behind an allocation": {func(_ arena.Allocator, _ *arena.Block, s arena.Arena) {
			s.Alloc(50)
			beyond(s.Alloc(100), 103)
			s.Alloc(50)
			s.Reset()
		}, "written 3 bytes behind its end of the 100 bytes taken by guarded/guarded_test.go:"},
		"before an allocation": {func(_ arena.Allocator, _ *arena.Block, s arena.Arena) {
			s.Reset()
			beyond(s.Alloc(9), -2)
			s.Reset()
		}, "in request 1"},
		"in a block of its own": {func(_ arena.Allocator, _ *arena.Block, s arena.Arena) {
			beyond(s.Alloc(arena.BlockBytes-20), arena.BlockBytes-1)
			s.Reset()
		}, "written 19 bytes behind its end"},
		"on the heap": {func(_ arena.Allocator, _ *arena.Block, s arena.Arena) {
			beyond(s.Alloc(arena.BlockBytes+1), arena.BlockBytes+1)
			s.Reset()
		}, "written 0 bytes behind its end"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAllocator(t, 4<<20)
			one := make([]*arena.Block, 1)
			if err := a.Borrow(one, 0); err != nil {
				t.Fatal(err)
			}
			text := panicOf(t, func() { c.breaks(a, one[0], a.NewArena(0)) })
			if !strings.Contains(text, c.want) &&
				!(c.want == fault && strings.Contains(text, "invalid memory address")) {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
	_ = sink
}

// TestUnwritten: memory is never zeros by chance, so that a reader of what nobody wrote notices.
func TestUnwritten(t *testing.T) {
	a := newAllocator(t, 1<<20)
	s := a.NewArena(0)
	for range 40 { // each block more than once
		for _, c := range s.Alloc(arena.BlockBytes) {
			if c != 0xDB {
				t.Fatalf("%#x", c)
			}
		}
		s.Reset()
	}
}

// TestLeaks: what was never given back is listed by the place that took it.
func TestLeaks(t *testing.T) {
	a, err := guarded.New(guarded.Config{BudgetBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if text := a.Leaks(); text != "" {
		t.Errorf("leaks of nothing: %s", text)
	}
	blocks := make([]*arena.Block, 2)
	if err := a.Borrow(blocks, 0); err != nil {
		t.Fatal(err)
	}
	s := a.NewArena(0)
	s.Alloc(10)
	s.Reset()
	for range 3 {
		s.Alloc(1000)
	}
	err = a.Close()
	if err == nil {
		t.Fatal("closed")
	}
	for _, want := range []string{
		"2 blocks, 131072 bytes, request 0: guarded/guarded_test.go:",
		"3 allocations, 3000 bytes, request 1: guarded/guarded_test.go:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	s.Reset()
	a.Return(blocks)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}
