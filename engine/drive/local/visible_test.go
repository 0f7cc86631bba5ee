package local_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// holdingEngine holds batches of the log back, while it is told to: they have arrived at the
// device and are not durable.
type holdingEngine struct {
	ioengine.Engine
	hold atomic.Bool
	held chan *ioengine.Batch
}

func (e *holdingEngine) Submit(b *ioengine.Batch) {
	if e.hold.Load() && len(b.Ops) == 1 && b.Ops[0].Kind == ioengine.Write && b.Ops[0].DSync {
		e.held <- b
		return
	}
	e.Engine.Submit(b)
}

func (e *holdingEngine) fail(b *ioengine.Batch) {
	b.Arm()
	b.Ops[0].Err = syscall.EIO
	b.Finish()
}

func newHolding(t *testing.T) (*holdingEngine, *local.Drive) {
	e := &holdingEngine{Engine: newEngine(t), held: make(chan *ioengine.Batch, 4)}
	path := filepath.Join(t.TempDir(), "d1")
	must(t, local.Format(e, path, identity))
	d := open(t, config(e, path))
	e.hold.Store(true)
	t.Cleanup(func() { // before the drive is closed
		e.hold.Store(false)
		for len(e.held) > 0 {
			e.Engine.Submit(<-e.held)
		}
	})
	return e, d
}

// shown is the write of a register that readers see.
func shown(t *testing.T, d *local.Drive, key drive.Key) drive.WriteID {
	t.Helper()
	s, err := d.Lookup(t.Context(), key, drive.LookupOptions{})
	must(t, err)
	if e := s.Newest(); e != nil {
		return e.WriteID
	}
	return drive.WriteID{}
}

// twoWrites commits two versions of an object, the second while the first is on its way.
func twoWrites(t *testing.T, e *holdingEngine, d *local.Drive) (first, second *drive.Record,
	flying *ioengine.Batch, done [2]chan error) {
	first, second = object(1, 1000), object(2, 1000)
	second.Key = first.Key
	for i := range done {
		done[i] = make(chan error, 1)
	}
	d.Commit(first, func(err error) { done[0] <- err })
	flying = <-e.held
	d.Commit(second, func(err error) { done[1] <- err })
	return first, second, flying, done
}

// TestShownWhenDurable: a write is answered and seen once it is durable, not before, although the
// next one is planned upon it; and each at its own time.
func TestShownWhenDurable(t *testing.T) {
	t.Parallel()
	e, d := newHolding(t)
	first, second, flying, done := twoWrites(t, e, d)
	if w := shown(t, d, first.Key); w != (drive.WriteID{}) {
		t.Errorf("%x is seen before it is durable", w)
	}
	e.Engine.Submit(flying)
	flying = <-e.held // the second follows at once
	must(t, <-done[0])
	if w := shown(t, d, first.Key); w != first.WriteID {
		t.Errorf("%x is seen, the first is durable", w)
	}
	if len(done[1]) > 0 {
		t.Error("the second was answered before it was durable")
	}
	e.Engine.Submit(flying)
	must(t, <-done[1])
	if w := shown(t, d, first.Key); w != second.WriteID {
		t.Errorf("%x is seen, the second is durable", w)
	}
}

// TestNothingFollowsAFailedBatch: what was planned upon a batch that failed fails too, and nothing
// of either is seen.
func TestNothingFollowsAFailedBatch(t *testing.T) {
	t.Parallel()
	e, d := newHolding(t)
	first, _, flying, done := twoWrites(t, e, d)
	e.hold.Store(false) // what follows all the same is written
	e.fail(flying)
	for i := range done {
		if err := <-done[i]; !errors.Is(err, drive.ErrOffline) {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if w := shown(t, d, first.Key); w != (drive.WriteID{}) {
		t.Errorf("%x is seen, its batch failed", w)
	}
	if err := commit(d, object(3, 1000)); !errors.Is(err, drive.ErrOffline) {
		t.Errorf("a later write: %v", err)
	}
}
