package local

import (
	"context"
	"errors"
	"sync"
	"testing"

	"flashstore/engine/lock"
)

func TestOneHolderAtATimeAndRisingSequences(t *testing.T) {
	l := New()
	id := lock.ID{Space: 2, Name: "k"}
	var wg sync.WaitGroup
	inside, last := 0, uint64(0) // guarded by the lock under test; -race tells otherwise
	for range 8 {
		wg.Go(func() {
			for range 200 {
				g, err := l.Lock(context.Background(), id)
				if err != nil {
					t.Error(err)
					return
				}
				inside++
				if inside != 1 || g.Sequence <= last {
					t.Errorf("%d inside, %d after %d", inside, g.Sequence, last)
				}
				last = g.Sequence
				inside--
				g.Release()
			}
		})
	}
	wg.Wait()
	for i := range l.shards {
		if n := len(l.shards[i].held); n != 0 {
			t.Fatalf("%d entries are left behind", n)
		}
	}
}

func TestWaiterGivesUp(t *testing.T) {
	l := New()
	id := lock.ID{Name: "k"}
	g, _ := l.Lock(context.Background(), id)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Lock(ctx, id); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v while the lock is held", err)
	}
	g.Release()
	g, err := l.Lock(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
}
