package md5lanes

import (
	"bytes"
	"crypto/md5"
	"math/rand/v2"
	"testing"
)

// phase is where the goroutine of a Write stands between two holds of Group.mu.
type phase int

const (
	outside phase = iota
	full          // of the queue, and will lead
	gathers
	waits
	leads
	stepped // leads, and will look into the queue
	phases
)

// walker is a stream whose goroutine is the test's to let go on.
type walker struct {
	phase
	h     *Hash
	lanes lanes
	data  []byte // all of it so far
	left  int    // Writes
}

// advance does what its goroutine would until it gives up mu again.
func (w *walker) advance(g *Group, r *rand.Rand) {
	switch w.phase {
	case outside:
		p := noise(byte(r.Uint32()), md5.BlockSize*(1+r.IntN(3*stepBlocksMax)))
		w.data, w.left = append(w.data, p...), w.left-1
		w.h.save()
		w.h.rest = p
		switch g, f := g.enter(w.h); {
		case g:
			w.phase = gathers
		case f:
			w.phase = full
		default:
			w.phase = waits
		}
	case full, gathers:
		w.lanes = lanes{}
		if g.begin(&w.lanes, w.h, w.phase == gathers) {
			w.phase = leads
		} else {
			w.phase = waits
		}
	case waits:
		if len(w.h.turn) == 0 {
			return
		}
		if w.phase = gathers; <-w.h.turn == done {
			w.written()
		}
	case stepped:
		g.refill(&w.lanes)
		w.phase = leads
	case leads:
		w.lead(g)
	}
}

func (w *walker) lead(g *Group) {
	if w.lanes.count > 1 {
		w.lanes.step(w.h)
	} else {
		w.lanes.alone(w.h)
	}
	if w.phase = stepped; len(w.h.rest) == 0 {
		g.end(&w.lanes)
		w.written()
	}
}

func (w *walker) written() {
	w.phase = outside
	w.h.sizeBytes = uint64(len(w.data))
	w.h.restore()
}

// TestTurns lets the goroutines of Writes go on in random order, one hold of the mutex at a time: at no
// time is somebody forgotten in the queue, and all end.
func TestTurns(t *testing.T) {
	needLanes(t)
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(2, seed))
		g, all := NewGroup(), make([]walker, 1+r.IntN(50))
		for i := range all {
			all[i].h, all[i].left = g.New(), 4
		}
		// Some goroutines are slow: they are let go on less often.
		slow := r.IntN(4 * len(all))
		for busy := true; busy; {
			i := r.IntN(len(all))
			if i < slow && r.IntN(8) > 0 {
				i = r.IntN(len(all))
			}
			if w := &all[i]; w.phase != outside || w.left > 0 {
				w.advance(g, r)
			}
			if busy = checkTurns(t, g, all); t.Failed() {
				t.Fatalf("seed %d of %d streams", seed, len(all))
			}
		}
		g.idle(t)
		for i := range all {
			if !bytes.Equal(all[i].h.Sum(nil), sum(all[i].data)) || len(all[i].h.turn) > 0 {
				t.Fatalf("seed %d: stream %d has a wrong sum, or a turn left", seed, i)
			}
		}
	}
}

// checkTurns reports whether a Write is under way or to come.
func checkTurns(t *testing.T, g *Group, all []walker) (busy bool) {
	var in [phases]int
	told := 0
	for i := range all {
		w := &all[i]
		in[w.phase]++
		busy = busy || w.left > 0
		// To gather is told first: it comes before done.
		if n := len(w.h.turn); n == 2 || n == 1 && (w.h.queued || len(w.h.rest) > 0) {
			told++
		}
	}
	if len(g.queue) > 0 && !g.gathering && g.roomy == 0 && in[full] == 0 {
		t.Errorf("nobody looks into a queue of %d", len(g.queue))
	}
	if told+in[gathers] > 1 || g.gathering != (told+in[gathers] == 1) {
		t.Errorf("gathering is %v: %d gather, %d are told to", g.gathering, in[gathers], told)
	}
	return busy || in[outside] < len(all)
}
