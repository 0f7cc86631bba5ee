package local

import (
	"sync"
)

// reaper gives released space back once no reader can hold it. Every release begins a new
// generation; a pin holds back all releases that came after it.
type reaper struct {
	drive *Drive
	wake  chan struct{}
	stop  chan struct{}
	ended chan struct{}

	mu         sync.Mutex
	generation uint64
	pins       map[uint64]int // readers by the generation they began in
	waiting    []freeItem     // by generation
}

func newReaper(d *Drive) *reaper {
	return &reaper{drive: d, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		ended: make(chan struct{}), pins: make(map[uint64]int)}
}

// Pin keeps what is readable now readable until the returned function is called, once.
func (d *Drive) Pin() (unpin func()) {
	r := d.reaper
	r.mu.Lock()
	at := r.generation
	r.pins[at]++
	r.mu.Unlock()
	return func() { r.unpin(at) }
}

func (r *reaper) unpin(at uint64) {
	r.mu.Lock()
	if r.pins[at]--; r.pins[at] == 0 {
		delete(r.pins, at)
	}
	work := len(r.waiting) > 0
	r.mu.Unlock()
	if work {
		r.signal()
	}
}

// add takes over what a visible batch released.
func (r *reaper) add(items []freeItem) {
	if len(items) == 0 {
		return
	}
	r.mu.Lock()
	for i := range items {
		items[i].generation = r.generation
	}
	r.generation++
	r.waiting = append(r.waiting, items...)
	r.mu.Unlock()
	r.signal()
}

func (r *reaper) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// ready takes out the releases that no pin holds back.
func (r *reaper) ready() []freeItem {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(r.waiting) && !r.held(r.waiting[n].generation) {
		n++
	}
	items := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	return items
}

func (r *reaper) held(generation uint64) bool {
	for at := range r.pins {
		if at <= generation {
			return true
		}
	}
	return false
}

func (r *reaper) run() {
	defer close(r.ended)
	for {
		r.reap()
		select {
		case <-r.wake:
		case <-r.stop:
			r.reap()
			return
		}
	}
}

// reap punches what is ready and forgets its rows. A row that outlives its punch is done
// again after a crash, which does no harm: extents are never used twice.
func (r *reaper) reap() {
	ready := r.ready()
	if len(ready) == 0 || r.drive.failure() != nil {
		return // a drive out of service leaves all as it is; the next start tries again
	}
	if err := r.drive.log.flush(); err != nil {
		_ = r.drive.fail(err)
		return
	}
	for _, item := range ready {
		r.drive.bulk.free(item.extents)
		if err := r.drive.machine.index.apply([]indexChange{{
			string(numberedRow(rowFree, item.number)), rowOp{kind: rowDrop}}}); err != nil {
			_ = r.drive.fail(err)
		}
	}
}

// close reaps what it can; the rest is done at the next start.
func (r *reaper) close() {
	close(r.stop)
	<-r.ended
}
