package erasure

import (
	"maps"
	"sync"

	"flashstore/engine/drive"
)

// repairs are the registers of a set that were found short and wait to be healed.
type repairs struct {
	mu    sync.Mutex
	keys  map[drive.Key]repair
	bytes int // of their names
	// more were found than are kept: only a scan finds them again.
	more    bool
	changed bool // since it was saved
	wake    chan struct{}
}

// repair is what is known of one.
type repair struct {
	verify bool // a shard of it could not be read
	tried  bool // in vain, with the drives that are here
}

// What is kept of repairs fits into the document of a set's healing.
const (
	repairsMax     = 1000
	repairBytesMax = 128 << 10
)

func newRepairs() *repairs {
	return &repairs{keys: make(map[drive.Key]repair), wake: make(chan struct{}, 1)}
}

// add notes that a register is short, or with verify that a shard of it is damaged. It never
// blocks.
func (r *repairs) add(key drive.Key, verify bool) {
	r.mu.Lock()
	switch old, known := r.keys[key]; {
	case known && (old.verify || !verify):
	case !known && (len(r.keys) >= repairsMax || r.bytes+len(key.Name) > repairBytesMax):
		r.changed = r.changed || !r.more
		r.more = true
	default:
		if !known {
			r.bytes += len(key.Name)
		}
		r.keys[key], r.changed = repair{verify: verify}, true
	}
	r.mu.Unlock()
	r.signal()
}

func (r *repairs) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// remove forgets a register that is whole; one of which a shard could not be read only if all of
// them were read since.
func (r *repairs) remove(key drive.Key, verified bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, known := r.keys[key]; known && (verified || !one.verify) {
		delete(r.keys, key)
		r.bytes -= len(key.Name)
		r.changed = true
	}
}

// next takes one that was not tried yet. With away, when drives are missing, only one that may be
// healed all the same.
func (r *repairs) next(away bool) (key drive.Key, verify, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, one := range r.keys {
		if !one.tried && (one.verify || !away) {
			one.tried = true
			r.keys[key] = one
			return key, one.verify, true
		}
	}
	return key, false, false
}

// again lets all be tried once more: drives have come back.
func (r *repairs) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, one := range r.keys {
		one.tried = false
		r.keys[key] = one
	}
}

// snapshot is what waits now, and whether it is not all.
func (r *repairs) snapshot() (keys map[drive.Key]repair, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.keys), r.more
}

// count is how many wait, as far as they are known.
func (r *repairs) count() (n int, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.keys), r.more
}

// takeMore reports whether there are more than are kept, and forgets it: a scan begins that meets
// all.
func (r *repairs) takeMore() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.more
	r.changed, r.more = r.changed || was, false
	return was
}

// stillMore takes that back: the scan has not met all.
func (r *repairs) stillMore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed, r.more = true, true
}

// takeChanged reports whether anything changed since it was last asked.
func (r *repairs) takeChanged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.changed
	r.changed = false
	return was
}
