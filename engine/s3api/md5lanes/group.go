package md5lanes

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// streamsMin is how many must be under way for one to look for company. A step takes 1.7
	// times as long as a block alone: two streams would gain a sixth, and each takes longer.
	streamsMin = 3
	// Who gathers lets others run so often, as long as somebody joins each time, and starts no
	// further round after that time.
	gatherRounds = 4
	gatherMax    = 200 * time.Microsecond
)

// Group is the streams that may be hashed together. Safe for concurrent use.
type Group struct {
	lanes bool         // the CPU has them
	open  atomic.Int32 // streams under way, of those with long Writes

	mu        sync.Mutex
	queue     []*Hash // with blocks to hash and in nobody's lanes, oldest first
	gathering bool    // somebody gathers, or was told to
	roomy     int     // leaders with free lanes: they look into the queue after each step
	stats     Stats
}

// Stats counts blocks of 64 bytes of long Writes since the start.
type Stats struct {
	Blocks uint64 // hashed in lanes
	Steps  uint64 // that this took: Blocks/Steps is how many streams were in the lanes, on average
	Alone  uint64 // hashed alone by who looked for company
}

// NewGroup returns a Group without streams.
func NewGroup() *Group { return &Group{lanes: available()} }

// Stats returns the present sums; a leader adds its own when it ends.
func (g *Group) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stats
}

// hash returns when h.rest is hashed, by this goroutine or another.
func (g *Group) hash(h *Hash) {
	gathers, full := g.enter(h)
	if full && g.lead(h, false) {
		return
	}
	for {
		if gathers {
			g.gather()
			if g.lead(h, true) {
				return
			}
		}
		if <-h.turn == done {
			return
		}
		gathers = true
	}
}

// enter puts h into the queue, and says whether it is to gather, or to lead since that would fill
// the lanes.
func (g *Group) enter(h *Hash) (gathers, full bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = append(g.queue, h)
	h.queued = true
	if len(g.queue) >= width {
		return false, true
	}
	gathers = !g.gathering && g.roomy == 0
	g.gathering = g.gathering || gathers
	return gathers, false
}

// gather lets those run who may be about to join. Where a core is idle that takes no time.
func (g *Group) gather() {
	begun, before := time.Now(), g.queueLen()
	for range gatherRounds {
		runtime.Gosched()
		n := g.queueLen()
		if n <= before || n >= width || time.Since(begun) > gatherMax {
			return
		}
		before = n
	}
}

func (g *Group) queueLen() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue)
}

// appoint has the oldest of the queue gather if otherwise nobody looked into it; with mu.
func (g *Group) appoint() {
	if len(g.queue) > 0 && !g.gathering && g.roomy == 0 {
		g.gathering = true
		g.queue[0].turn <- gather
	}
}
