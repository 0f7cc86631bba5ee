package erasure

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/engine/drive"
)

// Limits of waiting for what drives are asked.
const (
	// hangAfterDefault is when a drive that was asked counts as one that does not answer.
	hangAfterDefault = 5 * time.Second
	// stuckMax calls to a drive that hangs are under way; further ones are not made, until one
	// ends.
	stuckMax = 16
	// hedgeDelayMin and hedgeFactor: a read asks other drives as well once a drive has taken so
	// long, or so many times the mean of reads that wait for a device.
	hedgeDelayMin = 20 * time.Millisecond
	hedgeFactor   = 8
	// hedgeShare of reads may do so, hedgesSaved at once behind a time without.
	hedgeShare  = 0.05
	hedgesSaved = 10
)

// errHangs is the answer of a drive that gives none.
var errHangs = fmt.Errorf("%w: it does not answer in time", drive.ErrOffline)

// patience is how long a set waits for its drives, and which of them hang.
type patience struct {
	hangAfter time.Duration
	stuck     [setDrivesMax]atomic.Int32 // calls that nobody waits for any more
	mean      lag                        // of calls that waited for a device

	mu     sync.Mutex
	hedges float64 // that may be made
}

// hangs reports whether a drive has so many calls that do not end that it is not asked.
func (p *patience) hangs(i int) bool { return p.stuck[i].Load() >= stuckMax }

// first is how long to wait for the drives that a read asks first, before it asks others too.
func (p *patience) first() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hedges = min(p.hedges+hedgeShare, hedgesSaved)
	if p.hedges < 1 {
		return p.hangAfter
	}
	mean := time.Duration(p.mean.meanNanos.Load())
	return min(max(hedgeFactor*mean, hedgeDelayMin), p.hangAfter)
}

// last is how long to wait for drives that nobody else can stand in for.
func (p *patience) last() time.Duration { return p.hangAfter }

// hedged counts a read that asked others too.
func (p *patience) hedged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hedges--
}

// call is one call to a drive that somebody may give up waiting for.
type call struct {
	patience *patience
	drive    int
	state    atomic.Uint32 // 0 under way, callEnded, callGivenUp
}

const (
	callEnded = 1 + iota
	callGivenUp
)

// ended is told by who made the call. false: nobody waits any more.
func (c *call) ended(began time.Time) bool {
	if c.state.CompareAndSwap(0, callEnded) {
		c.patience.mean.observe(time.Since(began))
		return true
	}
	c.patience.stuck[c.drive].Add(-1)
	return false
}

// giveUp is told by who waits. false: the call has just ended.
func (c *call) giveUp() bool {
	if !c.state.CompareAndSwap(0, callGivenUp) {
		return false
	}
	c.patience.stuck[c.drive].Add(1)
	return true
}

// together makes calls to drives, each on a goroutine of its own, and waits for them until the
// limit. What a call returns is passed to took, on this goroutine; of one that takes longer than
// that errHangs is told to late, and its result is dropped.
func together[T any](p *patience, drives []int, limit time.Duration, invoke func(i int) T,
	took func(i int, result T), late func(i int)) {
	type reply struct {
		index  int
		result T
	}
	replies := make(chan reply, len(drives))
	calls := make([]call, len(drives))
	left := len(drives)
	began := time.Now()
	for n, i := range drives {
		c := &calls[n]
		c.patience, c.drive = p, i
		go func() {
			result := invoke(i)
			if c.ended(began) {
				replies <- reply{n, result}
			}
		}()
	}
	if left == 0 {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for left > 0 {
		select {
		case r := <-replies:
			left--
			took(drives[r.index], r.result)
		case <-timer.C:
			for n := range calls {
				if calls[n].giveUp() {
					left--
					late(drives[n])
				}
			}
			for ; left > 0; left-- { // those that have just ended
				r := <-replies
				took(drives[r.index], r.result)
			}
		}
	}
}
