package local

import (
	"sync"
	"time"

	"flashstore/engine/drive"
)

// settleDelayMax is how long a settle waits for a batch to ride in.
const settleDelayMax = 100 * time.Millisecond

// request is a queued commit.
type request struct {
	record *drive.Record
	again  *stored     // in place of record: compaction writes it again, if it is still needed
	done   func(error) // may be nil for a settle
}

func (q *request) finish(err error) {
	if q.done != nil {
		q.done(err)
	}
}

// bulk is the reference to the request's shard.
func (q *request) bulk() drive.BulkRef {
	if q.again != nil {
		return q.again.Bulk
	}
	return q.record.Bulk
}

// queue is where commits wait for a goroutine of the drive.
type queue struct {
	mu     sync.Mutex
	list   []request
	urgent bool // something in list does not wait
	timed  bool // the settle timer runs
	closed error
	wake   chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put queues q; a lazy one waits for others, at most settleDelayMax.
func (u *queue) put(q request, lazy bool) {
	u.mu.Lock()
	if u.closed != nil {
		err := u.closed
		u.mu.Unlock()
		q.finish(err)
		return
	}
	u.list = append(u.list, q)
	wake := false
	switch {
	case !lazy && !u.urgent:
		u.urgent, wake = true, true
	case lazy && !u.urgent && !u.timed:
		u.timed = true
		time.AfterFunc(settleDelayMax, u.due)
	}
	u.mu.Unlock()
	if wake {
		u.signal()
	}
}

func (u *queue) due() {
	u.mu.Lock()
	u.timed = false
	u.urgent = len(u.list) > 0
	u.mu.Unlock()
	u.signal()
}

func (u *queue) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// takeHow says when take returns with what is queued.
type takeHow uint8

const (
	takeWaiting takeHow = iota // when something is urgent; it sleeps until then
	takeUrgent                 // now, with all if something is urgent, else with nothing
	takeAll                    // now, with all
)

// take appends all that is queued to dst. It returns false when the queue is closed and nothing
// was, or is, in dst.
func (u *queue) take(dst []request, how takeHow) ([]request, bool) {
	for {
		u.mu.Lock()
		if u.urgent || u.closed != nil || how == takeAll {
			dst = append(dst, u.list...)
			clear(u.list)
			u.list = u.list[:0]
			u.urgent = false
			ended := u.closed != nil && len(dst) == 0
			u.mu.Unlock()
			return dst, !ended
		}
		u.mu.Unlock()
		if how == takeUrgent {
			return dst, true
		}
		<-u.wake
	}
}

// close refuses further commits with err; what is queued is still taken.
func (u *queue) close(err error) {
	u.mu.Lock()
	if u.closed == nil {
		u.closed = err
	}
	u.mu.Unlock()
	u.signal()
}
