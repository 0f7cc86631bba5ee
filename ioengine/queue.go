package ioengine

const classCount = int(Scrub) + 1

// politeEvery is the share of the least urgent class: one operation in politeEvery is taken
// from the back, so that scrubbing goes on, slowly, under any foreground load.
const politeEvery = 16

// Ref names one operation of a batch.
type Ref struct {
	Batch *Batch
	Index int
}

// Op is the operation that r names.
func (r Ref) Op() *Op { return &r.Batch.Ops[r.Index] }

// Queue is the waiting line inside an engine: first come, first served within a class,
// urgent classes first. It takes no lock; the engine's own protects it. The zero value is
// empty. Its length is bounded by what callers have in flight.
type Queue struct {
	classes [classCount]fifo
	length  int
	taken   uint
}

// Push appends all operations of b, of which there must be some: Done would never be called.
func (q *Queue) Push(b *Batch) {
	if len(b.Ops) == 0 {
		panic("ioengine: a batch without operations")
	}
	class := min(int(b.Class), classCount-1)
	q.classes[class].push(waiting{batch: b})
	q.length += len(b.Ops)
}

// Len is the number of operations in line.
func (q *Queue) Len() int { return q.length }

// Pop takes the next operation; false if there is none.
func (q *Queue) Pop() (Ref, bool) {
	if q.length == 0 {
		return Ref{}, false
	}
	q.length--
	q.taken++
	if q.taken%politeEvery == 0 {
		for i := classCount - 1; i >= 0; i-- {
			if q.classes[i].length > 0 {
				return q.classes[i].pop(), true
			}
		}
	}
	for i := range q.classes {
		if q.classes[i].length > 0 {
			return q.classes[i].pop(), true
		}
	}
	panic("ioengine: Queue lost count")
}

// waiting is a batch in line and the first of its operations that is still there.
type waiting struct {
	batch *Batch
	next  int
}

// fifo is a ring of batches that doubles when it is full.
type fifo struct {
	ring   []waiting
	head   int
	length int
}

func (f *fifo) push(w waiting) {
	if f.length == len(f.ring) {
		bigger := make([]waiting, max(16, 2*len(f.ring)))
		n := copy(bigger, f.ring[f.head:])
		copy(bigger[n:], f.ring[:f.head])
		f.ring, f.head = bigger, 0
	}
	f.ring[(f.head+f.length)%len(f.ring)] = w
	f.length++
}

func (f *fifo) pop() Ref {
	w := &f.ring[f.head]
	ref := Ref{Batch: w.batch, Index: w.next}
	w.next++
	if w.next == len(w.batch.Ops) {
		*w = waiting{}
		f.head = (f.head + 1) % len(f.ring)
		f.length--
	}
	return ref
}
