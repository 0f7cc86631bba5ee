package erasure

import (
	"sync"
	"sync/atomic"

	"flashstore/engine/drive"
)

// late names the objects and parts with a write that missed its quorum while some drive has not
// answered: there it may still arrive. Unlike doubts an entry goes away by itself, with the last
// answer. The next process has none: it raises the term, and the drives refuse what is older.
type late struct {
	mu   sync.Mutex
	keys map[drive.Key]int
}

func (l *late) add(key drive.Key, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = make(map[drive.Key]int)
	}
	if l.keys[key] += n; l.keys[key] == 0 {
		delete(l.keys, key)
	}
}

func (l *late) has(key drive.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[key] > 0
}

// flight is a commit on its way to the drives.
type flight struct {
	late  *late
	key   drive.Key
	done  func(failed bool) // may be nil
	state atomic.Uint32
}

// The states of a flight.
const (
	flying uint32 = iota
	landed        // every drive has answered
	listed        // in late, until then
)

// landed is called when every drive has answered.
func (f *flight) landed(failed bool) {
	if f.state.Swap(landed) == listed {
		f.late.add(f.key, -1)
	}
	if f.done != nil {
		f.done(failed)
	}
}

// lost is called when the quorum was missed.
func (f *flight) lost() {
	f.late.add(f.key, 1)
	if !f.state.CompareAndSwap(flying, listed) {
		f.late.add(f.key, -1)
	}
}
