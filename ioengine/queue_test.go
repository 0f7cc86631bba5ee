package ioengine_test

import (
	"math/rand/v2"
	"testing"

	"flashstore/ioengine"
)

func batchOf(n int, class ioengine.Class) *ioengine.Batch {
	return &ioengine.Batch{Ops: make([]ioengine.Op, n), Class: class}
}

func TestQueueOrder(t *testing.T) {
	var q ioengine.Queue
	scrub, first, second := batchOf(2, ioengine.Scrub), batchOf(3, 0), batchOf(1, 0)
	q.Push(scrub)
	q.Push(first)
	q.Push(second)
	want := []ioengine.Ref{
		{Batch: first}, {Batch: first, Index: 1}, {Batch: first, Index: 2},
		{Batch: second}, {Batch: scrub}, {Batch: scrub, Index: 1},
	}
	for i, w := range want {
		got, ok := q.Pop()
		if !ok || got != w {
			t.Fatalf("operation %d: index %d of another batch", i, got.Index)
		}
		q.Finished(got.Batch.Class, 1)
	}
	if _, ok := q.Pop(); ok || q.Len() != 0 {
		t.Fatal("not empty at the end")
	}
}

// TestQueueStarvesNobody: under endless urgent work a scrub operation still gets its turn.
func TestQueueStarvesNobody(t *testing.T) {
	var q ioengine.Queue
	scrub := batchOf(1, ioengine.Scrub)
	q.Push(scrub)
	for range 100 {
		q.Push(batchOf(1, ioengine.Foreground))
		if ref, _ := q.Pop(); ref.Batch == scrub {
			return
		}
	}
	t.Fatal("scrub never had its turn")
}

// TestQueueLosesNothing: every operation comes out exactly once, each batch in order.
func TestQueueLosesNothing(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var q ioengine.Queue
	next := map[*ioengine.Batch]int{}
	pushed, popped := 0, 0
	for step := 0; step < 5000 || q.Len() > 0; step++ {
		if step < 5000 && random.IntN(3) == 0 {
			b := batchOf(1+random.IntN(4), ioengine.Class(random.IntN(4)))
			pushed += len(b.Ops)
			q.Push(b)
			continue
		}
		ref, ok := q.Pop()
		if !ok {
			continue
		}
		if next[ref.Batch] != ref.Index {
			t.Fatalf("seed %d: operation %d came out of order", seed, ref.Index)
		}
		next[ref.Batch]++
		popped++
		q.Finished(ref.Batch.Class, 1)
	}
	if pushed != popped {
		t.Fatalf("seed %d: %d in, %d out", seed, pushed, popped)
	}
}

func TestAdvance(t *testing.T) {
	bufs := [][]byte{[]byte("ab"), nil, []byte("cde")}
	for taken := range 6 {
		rest := ioengine.Advance(append([][]byte(nil), bufs...), taken)
		got := ""
		for _, b := range rest {
			got += string(b)
		}
		if got != "abcde"[taken:] || taken == 5 && len(rest) != 0 {
			t.Fatalf("after %d bytes: %q", taken, got)
		}
	}
}
