package ioenginetest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/ioengine"
)

const (
	sharesOpBytes = 16 << 10
	sharesBacklog = 640 // operations of each class

	starvingReaders = 8
	starvingBacklog = 64
	starvingOps     = 8 // of the backlog, beside the foreground
	// starvingInFlightMax is one for each ring of the largest default.
	starvingInFlightMax = 4
	starvedTooLong      = 20 * time.Second // a scrub's deadline is one; machines are busy
)

// shares puts a backlog of every class of the background in line. What each takes from it,
// from when all are there until the first is through, are their shares: 16 : 4 : 1.
func shares(t *testing.T, e ioengine.Engine) {
	f := prewritten(t, e, classesFileBytes)
	var all sync.WaitGroup
	var mu sync.Mutex
	var last ioengine.Stats // while repair was still in line
	done := func(b *ioengine.Batch) {
		defer all.Done()
		if err := b.Err(); err != nil {
			t.Error(err)
		}
		now := e.Stats()
		mu.Lock()
		defer mu.Unlock()
		if n := now.Classes[ioengine.Repair].Ops; n < sharesBacklog &&
			n > last.Classes[ioengine.Repair].Ops {
			last = now
		}
	}
	var backlog []*ioengine.Batch
	for class := ioengine.Scrub; class >= ioengine.Repair; class-- {
		for range sharesBacklog {
			backlog = append(backlog, &ioengine.Batch{Class: class, Done: done,
				Ops: []ioengine.Op{randomRead(f)}})
		}
	}
	all.Add(len(backlog))
	for _, b := range backlog {
		e.Submit(b)
	}
	first := e.Stats()
	all.Wait()
	s := e.Stats().Classes
	for class := ioengine.Repair; class <= ioengine.Scrub; class++ {
		if s[class].Ops != sharesBacklog || s[class].Bytes != sharesBacklog*sharesOpBytes {
			t.Fatalf("Stats.Classes of class %d: %+v", class, s[class])
		}
	}
	var took [ioengine.Scrub + 1]int
	for class := range took {
		took[class] = int(last.Classes[class].Ops) - int(first.Classes[class].Ops)
	}
	repair, compaction, scrub := took[ioengine.Repair], took[ioengine.Compaction],
		took[ioengine.Scrub]
	t.Logf("%d : %d : %d", repair, compaction, scrub)
	if repair < sharesBacklog/4 || last.Classes[ioengine.Compaction].Ops == sharesBacklog ||
		last.Classes[ioengine.Scrub].Ops == sharesBacklog {
		t.Skip("the machine was too busy to put all in line before most was through")
	}
	if max(compaction-repair/4, repair/4-compaction) > 8 || max(scrub-repair/16, repair/16-scrub) > 4 {
		t.Errorf("of a backlog repair took %d operations, compaction %d, the scrubber %d",
			repair, compaction, scrub)
	}
}

// heldBackButNotStarved: while the foreground takes all that it can, a backlog of the scrubber
// gets on, a few operations at a time.
func heldBackButNotStarved(t *testing.T, e ioengine.Engine) {
	f := prewritten(t, e, classesFileBytes)
	var foreground, background sync.WaitGroup
	var ended atomic.Int64 // of the scrubber's
	enough := make(chan struct{})
	begun := make(chan struct{}, starvingReaders)
	for range starvingReaders {
		foreground.Go(func() {
			ops := []ioengine.Op{randomRead(f), randomRead(f), randomRead(f), randomRead(f)}
			for rounds := 0; ended.Load() < starvingOps; rounds++ {
				if err := ioengine.Run(e, ioengine.Foreground, ops...); err != nil {
					t.Error(err)
				}
				if rounds == 0 {
					begun <- struct{}{}
				}
				taken := int64(e.Stats().Classes[ioengine.Scrub].Ops)
				if n := taken - ended.Load(); n > starvingInFlightMax {
					t.Errorf("%d operations of the scrubber are in flight", n)
				}
			}
		})
	}
	for range starvingReaders {
		<-begun
	}
	done := func(b *ioengine.Batch) {
		if err := b.Err(); err != nil {
			t.Error(err)
		}
		if ended.Add(1) == starvingOps {
			close(enough)
		}
		background.Done()
	}
	for range starvingBacklog {
		background.Add(1)
		e.Submit(&ioengine.Batch{Class: ioengine.Scrub, Done: done,
			Ops: []ioengine.Op{randomRead(f)}})
	}
	starved := time.NewTimer(starvedTooLong)
	defer starved.Stop()
	select {
	case <-enough:
	case <-starved.C:
		t.Errorf("the scrubber had %d operations in %v", ended.Load(), starvedTooLong)
		ended.Store(starvingOps) // which lets it go on
	}
	foreground.Wait()
	background.Wait()
}

// randomRead has memory of its own.
func randomRead(f ioengine.File) ioengine.Op {
	at := rand.Int64N(classesFileBytes/sharesOpBytes) * sharesOpBytes
	return readOp(f, at, aligned(sharesOpBytes))
}
