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
	sharesOpBytes  = 64 << 10
	sharesBacklog  = 640 // operations of each class
	starvingOps    = 5
	starvedTooLong = 20 * time.Second // the deadline of a scrub is one; machines are busy
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
	buf := aligned(sharesOpBytes) // of all reads: nobody looks at it
	for class := ioengine.Scrub; class >= ioengine.Repair; class-- {
		for range sharesBacklog {
			all.Add(1)
			e.Submit(&ioengine.Batch{Class: class, Done: done,
				Ops: []ioengine.Op{readOp(f, randomPlace(sharesOpBytes), buf)}})
		}
	}
	first := e.Stats()
	all.Wait()
	var took [ioengine.Scrub + 1]int
	for class := range took {
		took[class] = int(last.Classes[class].Ops) - int(first.Classes[class].Ops)
	}
	repair, compaction, scrub := took[ioengine.Repair], took[ioengine.Compaction],
		took[ioengine.Scrub]
	t.Logf("%d : %d : %d", repair, compaction, scrub)
	if repair < sharesBacklog/4 {
		t.Skip("the machine was too busy to put all in line before most was through")
	}
	if max(compaction-repair/4, repair/4-compaction) > 8 || max(scrub-repair/16, repair/16-scrub) > 4 {
		t.Errorf("of a backlog repair took %d operations, compaction %d, the scrubber %d",
			repair, compaction, scrub)
	}
	s := e.Stats().Classes
	for class := ioengine.Repair; class <= ioengine.Scrub; class++ {
		if s[class].Ops != sharesBacklog || s[class].Bytes != sharesBacklog*sharesOpBytes {
			t.Errorf("Stats.Classes of class %d: %+v", class, s[class])
		}
	}
}

// nobodyStarves: the scrubber gets on while the foreground takes all that it can.
func nobodyStarves(t *testing.T, e ioengine.Engine) {
	f := prewritten(t, e, classesFileBytes)
	var all sync.WaitGroup
	var stopping atomic.Bool
	for range 2 * classesReaders {
		all.Go(func() {
			buf := aligned(sharesOpBytes)
			for !stopping.Load() {
				op := readOp(f, randomPlace(sharesOpBytes), buf)
				if err := ioengine.Run(e, ioengine.Foreground, op, op, op, op); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	scrubbed := make(chan error)
	go func() {
		buf := aligned(sharesOpBytes)
		for range starvingOps {
			scrubbed <- ioengine.Run(e, ioengine.Scrub, readOp(f, randomPlace(sharesOpBytes), buf))
		}
	}()
	starved := time.NewTimer(starvedTooLong)
	defer starved.Stop()
	for i := range starvingOps {
		select {
		case err := <-scrubbed:
			if err != nil {
				t.Error(err)
			}
		case <-starved.C:
			t.Errorf("the scrubber had %d operations in %v", i, starvedTooLong)
			stopping.Store(true) // which lets it go on
			<-scrubbed
		}
	}
	stopping.Store(true)
	all.Wait()
}

func randomPlace(opBytes int64) int64 { return rand.Int64N(classesFileBytes/opBytes) * opBytes }
