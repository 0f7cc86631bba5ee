//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import "sync/atomic"

// wheelTicks is the horizon: a timer further away is looked at once on the way.
const wheelTicks = 512

// timer is an entry of a wheel, embedded in what it times out.
type timer struct {
	// deadline is a tick. Making it later needs no call; making it earlier does, see set.
	deadline   atomic.Int64
	at         int64 // the tick whose bucket holds the entry
	prev, next *timer
	conn       *conn
}

// wheel is a coarse timer wheel, used by one goroutine. It holds no clock.
type wheel struct {
	now     int64 // all buckets up to this tick were looked at
	count   int
	buckets [wheelTicks]timer // list heads
}

func newWheel() *wheel {
	w := &wheel{}
	for i := range w.buckets {
		b := &w.buckets[i]
		b.prev, b.next = b, b
	}
	return w
}

// set moves t's deadline to tick. It touches the wheel only if that is earlier than the
// bucket t is in: a connection that answers one request after the other costs nothing.
func (w *wheel) set(t *timer, tick int64) {
	t.deadline.Store(tick)
	if t.next != nil {
		if tick >= t.at {
			return
		}
		w.remove(t)
	}
	w.insert(t, tick)
}

func (w *wheel) insert(t *timer, tick int64) {
	t.at = min(max(tick, w.now+1), w.now+wheelTicks-1)
	b := &w.buckets[t.at%wheelTicks]
	t.prev, t.next = b.prev, b
	b.prev.next, b.prev = t, t
	w.count++
}

// remove takes t out, if it is in.
func (w *wheel) remove(t *timer) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.prev, t.next = nil, nil
	w.count--
}

// next is the first tick that has entries, or 0 if there are none.
func (w *wheel) nextTick() int64 {
	if w.count == 0 {
		return 0
	}
	for tick := w.now + 1; tick < w.now+wheelTicks; tick++ {
		if b := &w.buckets[tick%wheelTicks]; b.next != b {
			return tick
		}
	}
	return 0
}

// advance goes on to tick now and calls due for every entry whose deadline has come; due
// returns the tick at which to look again, or 0 if it is done with t.
func (w *wheel) advance(now int64, due func(t *timer) (again int64)) {
	for w.now < now {
		w.now++
		b := &w.buckets[w.now%wheelTicks]
		for t := b.next; t != b; t = b.next {
			w.remove(t)
			again := t.deadline.Load()
			if again <= w.now {
				again = due(t)
			}
			if again != 0 && t.next == nil {
				w.insert(t, again)
			}
		}
	}
}
