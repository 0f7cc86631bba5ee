package ioengine

import "time"

// rule is how one class shares the engine with the others.
type rule struct {
	// weight is the class's share of the bytes while others wait as well.
	weight uint64
	// headMax is how long the first in line waits while others go; then it is next.
	headMax time.Duration
}

// ruleOf is the table of the classes. With all of them waiting the bytes are shared
// 75 : 19 : 5 : 1.
func ruleOf(c Class) rule {
	switch c {
	case Foreground:
		return rule{64, 5 * time.Millisecond} // somebody waits for the answer
	case Repair:
		return rule{16, 50 * time.Millisecond} // data stands with less redundancy than asked for
	case Compaction:
		return rule{4, 250 * time.Millisecond} // space comes back; a full drive refuses writes
	default:
		return rule{1, time.Second} // Scrub: once in weeks is enough
	}
}

const (
	// foregroundMemory is how long after the last foreground operation the background
	// stays small. What a slow client's next request meets in the device is then little.
	foregroundMemory = 100 * time.Millisecond

	// A share is counted in bytes, but a small operation costs the device a turn and a sync
	// makes it empty its cache.
	opMinBytes = 16 << 10
	syncBytes  = 64 << 10

	// passScale keeps precision in bytes/weight; 2^64 of it are 2^58 bytes at weight 1.
	passScale = 64
)

// Limits bound the operations of the background classes, all together, that one queue has in
// flight. Their number is what a foreground operation finds ahead of it in the device.
type Limits struct {
	// Busy is while foreground operations wait, run, or ended within the last 100 ms.
	Busy int
	// Quiet is otherwise. It leaves room in the engine for the foreground's return.
	Quiet int
}

// Defaults of Limits. One large operation at a time beside the foreground still moves half of
// what the device can: measured with ioenginetest.Interfere, p99 of 16 KiB reads beside repair
// and compaction over p99 alone, and what those two moved,
//
//	Busy       1          2          4          8          no limit
//	uring      1.6        2.2        3.3        6.7        18
//	threadpool 1.8        2.6        4.0        12         23
//	background 0.45 GB/s  0.79 GB/s  0.95 GB/s  1.05 GB/s  0.95 GB/s
const (
	busyDefault  = 1
	quietDefault = 16
)

// Within replaces zeros by defaults of at most half of what an engine can have in flight, and
// at least 1.
func (l Limits) Within(inFlightMax int) Limits {
	if l.Quiet == 0 {
		l.Quiet = max(1, min(quietDefault, inFlightMax/2))
	}
	if l.Busy == 0 {
		l.Busy = min(busyDefault, l.Quiet)
	}
	return l
}

// ClassStats counts what one class did.
type ClassStats struct {
	Ops   uint64
	Bytes uint64 // asked for
	// WaitMax is the longest that an operation stood in line.
	WaitMax time.Duration
}

// Add sums the counters of two queues.
func (s *ClassStats) Add(other ClassStats) {
	s.Ops += other.Ops
	s.Bytes += other.Bytes
	s.WaitMax = max(s.WaitMax, other.WaitMax)
}

// share is the arithmetic of fair queueing by start and finish tags (Goyal, Vin and Cheng,
// 1996): what a class takes moves its pass on by bytes/weight, and the class whose first
// operation would be paid for soonest is next. A class that comes back after a pause starts at
// the current pass: pauses earn nothing.
type share struct {
	pass           uint64 // of the class that was chosen last, before it paid
	inFlight       [classCount]int
	foregroundSeen time.Time
}

// join prices the first operation of a line that was empty.
func (s *share) join(class Class, l *line) {
	l.pass = max(l.pass, s.pass)
	l.paid = l.pass + price(class, l.first())
}

// charge books the first operation of l, before it leaves.
func (s *share) charge(class Class, l *line) {
	s.inFlight[class]++
	s.pass = max(s.pass, l.pass)
	l.pass = l.paid
}

// price is how far op moves the pass of its class.
func price(class Class, op *Op) uint64 {
	cost := uint64(max(opBytes(op), opMinBytes))
	if op.Kind == DataSync || op.DSync {
		cost += syncBytes
	}
	return cost * passScale / ruleOf(class).weight
}

func opBytes(op *Op) int {
	if op.Kind == DataSync {
		return 0
	}
	return TotalBytes(op.Bufs)
}

func (s *share) inFlightBackground() int {
	sum := 0
	for _, n := range s.inFlight[Foreground+1:] {
		sum += n
	}
	return sum
}

// backgroundMax is what the background may have in flight now.
func (q *Queue) backgroundMax(now time.Time) int {
	s := &q.share
	busy := q.classes[Foreground].length > 0 || s.inFlight[Foreground] > 0 ||
		now.Sub(s.foregroundSeen) < foregroundMemory
	limits := q.Limits.Within(2 * quietDefault)
	if busy {
		return limits.Busy
	}
	return limits.Quiet
}

// choose is the class whose turn it is: the one that waits longest beyond its deadline, else
// the one whose first operation is paid for soonest, the more urgent one of equals.
//
// The deadline is of the first in line, not of each operation: a long backlog is late as a
// whole, and would outrank the foreground for as long as it lasts. Not even a deadline lifts
// the limit of the background, which always has operations in flight that will end.
func (q *Queue) choose(now time.Time) (Class, bool) {
	best, lateBy, found := Foreground, time.Duration(-1), false
	background := q.share.inFlightBackground() < q.backgroundMax(now)
	for i := range q.classes {
		c, l := Class(i), &q.classes[i]
		if l.length == 0 || c != Foreground && !background {
			continue
		}
		late := max(now.Sub(l.headSince)-ruleOf(c).headMax, -1)
		if !found || late > lateBy || late == lateBy && l.paid < q.classes[best].paid {
			best, lateBy, found = c, late, true
		}
	}
	return best, found
}
