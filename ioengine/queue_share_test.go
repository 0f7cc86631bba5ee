package ioengine_test

import (
	"testing"
	"time"

	"flashstore/ioengine"
)

// handClock stands still until it is told.
type handClock struct{ at time.Time }

func newClock() *handClock { return &handClock{time.Unix(1_700_000_000, 0)} }

func (c *handClock) now() time.Time { return c.at }

func (c *handClock) pass(d time.Duration) { c.at = c.at.Add(d) }

// opsOf is a batch of n reads of bytes each.
func opsOf(n, bytes int, class ioengine.Class) *ioengine.Batch {
	b := batchOf(n, class)
	for i := range b.Ops {
		b.Ops[i].Bufs = [][]byte{make([]byte, bytes)}
	}
	return b
}

// TestShares: classes that all have much in line share the bytes by weight, whatever the
// sizes of their operations.
func TestShares(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes [4]int // of one operation, by class; 0: the class is away
		want  [4]int // per cent of the bytes
	}{
		{"all, same size", [4]int{64 << 10, 64 << 10, 64 << 10, 64 << 10}, [4]int{75, 19, 5, 1}},
		{"all, large in the back", [4]int{16 << 10, 512 << 10, 512 << 10, 512 << 10},
			[4]int{75, 19, 5, 1}},
		{"background alone", [4]int{0, 64 << 10, 64 << 10, 64 << 10}, [4]int{0, 76, 19, 5}},
		{"compaction and scrub", [4]int{0, 0, 512 << 10, 64 << 10}, [4]int{0, 0, 80, 20}},
		{"foreground and scrub", [4]int{64 << 10, 0, 0, 512 << 10}, [4]int{98, 0, 0, 2}},
	} {
		t.Run(c.name, func(t *testing.T) { shares(t, c.bytes, c.want) })
	}
}

func shares(t *testing.T, bytes, want [4]int) {
	q := ioengine.Queue{Now: newClock().now}
	var batches [4]*ioengine.Batch // the queue does not change a batch: one a class is enough
	for class, n := range bytes {
		batches[class] = opsOf(4, max(n, 1), ioengine.Class(class))
	}
	var inLine [4]int
	total := 0
	for total < 1<<30 {
		for class, n := range bytes {
			if n > 0 && inLine[class] < 4 {
				q.Push(batches[class])
				inLine[class] += 4
			}
		}
		ref, ok := q.Pop()
		if !ok {
			t.Fatal("nothing to take")
		}
		inLine[ref.Batch.Class]--
		total += len(ref.Op().Bufs[0])
		q.Finished(ref.Batch.Class, 1)
	}
	for class, s := range q.ClassStats() {
		got := int((s.Bytes*100 + uint64(total)/2) / uint64(total))
		if got < want[class]-1 || got > want[class]+1 {
			t.Errorf("class %d has %d%% of the bytes, not %d%%", class, got, want[class])
		}
	}
}

// TestPauseEarnsNothing: who comes back after a pause does not make up for it.
func TestPauseEarnsNothing(t *testing.T) {
	q := ioengine.Queue{Now: newClock().now}
	for range 100 {
		q.Push(opsOf(1, 1<<20, ioengine.Compaction))
		take(t, &q, ioengine.Compaction)
	}
	q.Push(opsOf(8, 1<<20, ioengine.Compaction))
	q.Push(opsOf(8, 1<<20, ioengine.Scrub))
	scrubbed := 0
	for range 8 {
		if ref, ok := q.Pop(); ok && ref.Batch.Class == ioengine.Scrub {
			scrubbed++
		}
	}
	if scrubbed > 2 {
		t.Fatalf("%d of 8 turns are the scrubber's", scrubbed)
	}
}

// take pops one operation of class and ends it.
func take(t *testing.T, q *ioengine.Queue, class ioengine.Class) {
	t.Helper()
	ref, ok := q.Pop()
	if !ok || ref.Batch.Class != class {
		t.Fatalf("the turn of class %d: got %v, %v", class, ref, ok)
	}
	q.Finished(class, 1)
}

// TestBackgroundIsHeldBack follows the number of operations that the background may have in
// flight, while the foreground comes and goes.
func TestBackgroundIsHeldBack(t *testing.T) {
	clock := newClock()
	q := ioengine.Queue{Now: clock.now, Limits: ioengine.Limits{Busy: 2, Quiet: 5}}
	q.Push(opsOf(50, 1, ioengine.Repair))
	q.Push(opsOf(50, 1, ioengine.Scrub))
	expect := func(step string, want int) {
		t.Helper()
		got := 0
		for ; ; got++ {
			ref, ok := q.Pop()
			if !ok {
				break
			}
			if ref.Batch.Class == ioengine.Foreground {
				got--
			}
		}
		if got != want {
			t.Fatalf("%s: %d operations of the background begin, not %d", step, got, want)
		}
	}
	expect("alone", 5)
	q.Push(opsOf(1, 1, ioengine.Foreground))
	q.Finished(ioengine.Repair, 3) // whichever classes they were: see Limits
	expect("the foreground waits, then runs", 0)
	q.Finished(ioengine.Repair, 1)
	expect("the foreground runs", 1)
	q.Finished(ioengine.Foreground, 1)
	expect("the foreground just ended", 0)
	clock.pass(99 * time.Millisecond)
	expect("99 ms later", 0)
	if q.Freed() {
		t.Fatal("free after 99 ms")
	}
	clock.pass(time.Millisecond)
	if !q.Freed() {
		t.Fatal("not free after 100 ms")
	}
	expect("100 ms later", 3)
}

// TestDeadlines: the first in line of a class with a small share waits no longer than its
// deadline, however much the others take, and the foreground is not kept waiting by that.
func TestDeadlines(t *testing.T) {
	for class, limit := range map[ioengine.Class]time.Duration{
		ioengine.Repair:     50 * time.Millisecond,
		ioengine.Compaction: 250 * time.Millisecond,
		ioengine.Scrub:      time.Second,
	} {
		clock := newClock()
		q := ioengine.Queue{Now: clock.now}
		q.Push(opsOf(1, 16<<20, class)) // the share of a long time, to be paid for first
		take(t, &q, class)
		q.Push(opsOf(1000, 1, class))
		last, waited, turns := clock.now(), time.Duration(0), 0
		const step = time.Millisecond
		for range 2500 {
			q.Push(opsOf(1, 4<<10, ioengine.Foreground))
			clock.pass(step)
			ref, _ := q.Pop()
			q.Finished(ref.Batch.Class, 1)
			if ref.Batch.Class == class {
				waited, last = max(waited, clock.now().Sub(last)), clock.now()
				turns++
			}
		}
		if waited > limit+step || turns < int(2500*step/limit)-1 {
			t.Errorf("class %d: %d turns, waited %v, its deadline is %v", class, turns, waited, limit)
		}
		if most := int(2500*step/limit) + 1; turns > most {
			t.Errorf("class %d: %d turns out of 2500, a deadline gives it %d", class, turns, most)
		}
	}
}

func TestClassStats(t *testing.T) {
	clock := newClock()
	q := ioengine.Queue{Now: clock.now}
	q.Push(opsOf(2, 1000, ioengine.Compaction))
	clock.pass(3 * time.Second)
	take(t, &q, ioengine.Compaction)
	clock.pass(4 * time.Second)
	take(t, &q, ioengine.Compaction)
	q.Push(opsOf(1, 10, 77)) // an unknown class is the last
	take(t, &q, 77)
	want := [4]ioengine.ClassStats{
		ioengine.Compaction: {Ops: 2, Bytes: 2000, WaitMax: 7 * time.Second},
		ioengine.Scrub:      {Ops: 1, Bytes: 10},
	}
	if got := q.ClassStats(); got != want {
		t.Fatalf("%+v", got)
	}
}
