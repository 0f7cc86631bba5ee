package erasure

import (
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/arena"
	"flashstore/ioengine"
)

// TestTurns: beside clients one register is healed at a time, otherwise as many as there are
// workers.
func TestTurns(t *testing.T) {
	const workers = 4
	for name, clients := range map[string]bool{"alone": false, "beside clients": true} {
		t.Run(name, func(t *testing.T) {
			p := &pace{clients: &presence{}}
			if clients {
				p.clients.note()
			}
			var working atomic.Int32
			var met, all sync.WaitGroup
			met.Add(workers)
			for range workers {
				all.Go(func() {
					p.turn(t.Context(), func() {
						if now := working.Add(1); clients && now > 1 {
							t.Errorf("%d work at a time", now)
						}
						if met.Done(); !clients {
							met.Wait() // for all of them
						}
						working.Add(-1)
					})
				})
			}
			all.Wait()
		})
	}
}

// classed is an engine that counts the writes of whole blocks of memory, which bulk shards are.
type classed struct {
	ioengine.Engine
	writes [ioengine.Scrub + 1]atomic.Uint64
}

func (e *classed) Submit(b *ioengine.Batch) {
	if op := &b.Ops[0]; op.Kind == ioengine.Write && len(op.Bufs[0]) >= arena.BlockBytes {
		e.writes[b.Class].Add(1)
	}
	e.Engine.Submit(b)
}

// TestHealingIsRepair: the shards that a replaced drive is given are written in the class of
// repair, which yields to clients.
func TestHealingIsRepair(t *testing.T) {
	f := newFixture(t, 4, 2)
	e := f.fill()
	f.stop()
	f.wipe(2)
	io := &classed{Engine: f.io}
	f.io = io
	f.start()
	f.wantWhole("a drive was replaced")
	if n := io.writes[ioengine.Repair].Load(); n == 0 {
		t.Error("no shard was written in the class of repair")
	}
	e.finish()
}
