package local

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactionGate lets an index compact: one compaction at a time, and none before the gate was
// opened. Pebble's Open waits for the compactions that run by then, and one of ten million rows
// takes longer than a drive may take to start.
//
// It asks Pebble what is to be done when something may have changed, so it needs no timer.
type compactionGate struct {
	db pebble.DBForCompaction // set by Register, before anything else is called

	mu      sync.Mutex
	opened  bool
	closed  bool
	running bool
	asking  bool      // Pebble is being asked for work, without mu
	again   bool      // it was refused while it was being asked, perhaps behind the answer
	asked   sync.Cond // asking became false
}

var (
	_ pebble.CompactionScheduler   = (*compactionGate)(nil)
	_ pebble.CompactionGrantHandle = (*compactionGate)(nil)
)

func newCompactionGate() *compactionGate {
	g := &compactionGate{}
	g.asked.L = &g.mu
	return g
}

// open lets compactions begin.
func (g *compactionGate) open() {
	g.mu.Lock()
	g.opened = true
	g.mu.Unlock()
	g.grant()
}

// Register is called by Pebble's Open.
func (g *compactionGate) Register(_ int, db pebble.DBForCompaction) { g.db = db }

// Unregister is called when the index is closed: it is not asked any more.
func (g *compactionGate) Unregister() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for g.asking {
		g.asked.Wait()
	}
}

// TrySchedule is called, with Pebble's locks held, by an index that has something to compact.
// Refused, it remembers that until it is asked.
func (g *compactionGate) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running || !g.opened || g.closed {
		g.again = true
		return false, nil
	}
	g.running = true
	return true, g
}

// UpdateGetAllowedWithoutPermission changes nothing: what is allowed is one.
func (g *compactionGate) UpdateGetAllowedWithoutPermission() {}

// Done is called when a compaction is over.
func (g *compactionGate) Done() {
	g.mu.Lock()
	g.running = false
	g.mu.Unlock()
	g.grant()
}

// grant starts what waits, if anything does.
func (g *compactionGate) grant() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.opened && !g.closed && !g.running && !g.asking {
		g.running, g.asking, g.again = true, true, false
		g.mu.Unlock()
		waiting, _ := g.db.GetWaitingCompaction() // takes locks of Pebble's
		started := waiting && g.db.Schedule(g)    // may be done before it returns
		g.mu.Lock()
		g.asking = false
		g.asked.Broadcast()
		if !started {
			g.running = false
			if !g.again {
				return
			}
		}
	}
}

// Started is of no interest, nor is what a compaction costs.
func (g *compactionGate) Started() {}

// MeasureCPU does nothing.
func (g *compactionGate) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats does nothing.
func (g *compactionGate) CumulativeStats(pebble.CompactionGrantHandleStats) {}
