package ioengine

import "time"

const classCount = int(Scrub) + 1

// Ref names one operation of a batch.
type Ref struct {
	Batch *Batch
	Index int
}

// Op is the operation that r names.
func (r Ref) Op() *Op { return &r.Batch.Ops[r.Index] }

// Queue is the waiting line inside an engine: first come, first served within a class, and
// between the classes what queue_share.go says. It takes no lock; the engine's own protects
// it. The zero value is empty and ready. Its length is bounded by what callers have in flight.
//
// The engine tells the queue of each operation's end (Finished). While Pop holds operations
// back there is one of the background in flight, so an engine that calls Pop after each
// Finished needs no timer.
type Queue struct {
	// Limits bound what the background has in flight. Set before the first Push.
	Limits Limits
	// Now is the clock; nil: time.Now. Set before the first Push.
	Now func() time.Time

	classes [classCount]line
	length  int
	share   share
	// held: Pop has refused operations of the background, and nobody was told since that
	// they may go.
	held bool
}

// Push appends all operations of b, of which there must be some: Done would never be called.
func (q *Queue) Push(b *Batch) {
	if len(b.Ops) == 0 {
		panic("ioengine: a batch without operations")
	}
	now, class := q.now(), classOf(b)
	l := &q.classes[class]
	l.push(waiting{batch: b, since: now})
	if l.length == len(b.Ops) {
		q.share.join(class, l)
		l.headSince = now
	}
	q.length += len(b.Ops)
	if class == Foreground {
		q.share.foregroundSeen = now
	}
}

// Len is the number of operations in line, held back or not.
func (q *Queue) Len() int { return q.length }

// Pop takes the next operation; false if there is none, or none that may go now.
func (q *Queue) Pop() (Ref, bool) {
	if q.length == 0 {
		return Ref{}, false
	}
	now := q.now()
	class, ok := q.choose(now)
	if !ok {
		q.held = true
		return Ref{}, false
	}
	l := &q.classes[class]
	q.share.charge(class, l)
	ref, since := q.take(class, now)
	l.stats.Ops++
	l.stats.Bytes += uint64(opBytes(ref.Op()))
	l.stats.WaitMax = max(l.stats.WaitMax, now.Sub(since))
	return ref, true
}

// Abandon takes any operation, held back or not, that will not be begun: Finished is not told
// of it. For engines that give up.
func (q *Queue) Abandon() (Ref, bool) {
	for class := range q.classes {
		if q.classes[class].length > 0 {
			ref, _ := q.take(Class(class), q.now())
			return ref, true
		}
	}
	return Ref{}, false
}

// take removes the first operation of a class.
func (q *Queue) take(class Class, now time.Time) (ref Ref, since time.Time) {
	l := &q.classes[class]
	ref, since = l.pop()
	q.length--
	l.headSince = now
	if l.length > 0 {
		l.paid = l.pass + price(class, l.first())
	}
	return ref, since
}

// Finished says that count operations of a class have ended.
func (q *Queue) Finished(class Class, count int) {
	class = min(class, Scrub)
	q.share.inFlight[class] -= count
	if q.share.inFlight[class] < 0 {
		panic("ioengine: more operations ended than began")
	}
	if class == Foreground && count > 0 {
		q.share.foregroundSeen = q.now()
	}
}

// Freed reports that operations which Pop held back may go now. An engine whose workers sleep
// asks after each Pop and wakes one of them.
func (q *Queue) Freed() bool {
	if !q.held {
		return false
	}
	if q.length == q.classes[Foreground].length {
		q.held = false
		return false
	}
	return q.share.inFlightBackground() < q.backgroundMax(q.now())
}

// ClassStats counts per class since the queue was made.
func (q *Queue) ClassStats() [classCount]ClassStats {
	var all [classCount]ClassStats
	for i := range q.classes {
		all[i] = q.classes[i].stats
	}
	return all
}

func (q *Queue) now() time.Time {
	if q.Now == nil {
		return time.Now()
	}
	return q.Now()
}

func classOf(b *Batch) Class { return min(b.Class, Scrub) }

// line is the waiting line of one class: a ring of batches that doubles when it is full.
type line struct {
	ring   []waiting
	head   int
	used   int // batches in ring
	length int // operations

	headSince  time.Time // when the first in line became the first
	pass, paid uint64    // see share; paid is pass once the first in line is paid for
	stats      ClassStats
}

// waiting is a batch in line and the first of its operations that is still there.
type waiting struct {
	batch *Batch
	next  int
	since time.Time
}

func (l *line) push(w waiting) {
	if l.used == len(l.ring) {
		bigger := make([]waiting, max(16, 2*len(l.ring)))
		n := copy(bigger, l.ring[l.head:])
		copy(bigger[n:], l.ring[:l.head])
		l.ring, l.head = bigger, 0
	}
	l.ring[(l.head+l.used)%len(l.ring)] = w
	l.used++
	l.length += len(w.batch.Ops)
}

// first is the operation that pop would return.
func (l *line) first() *Op {
	w := &l.ring[l.head]
	return &w.batch.Ops[w.next]
}

func (l *line) pop() (ref Ref, since time.Time) {
	w := &l.ring[l.head]
	ref, since = Ref{Batch: w.batch, Index: w.next}, w.since
	w.next++
	l.length--
	if w.next == len(w.batch.Ops) {
		*w = waiting{}
		l.head = (l.head + 1) % len(l.ring)
		l.used--
	}
	return ref, since
}
