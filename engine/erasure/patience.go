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
	// stuckMax calls to a drive that nobody waits for any more may be under way before it counts as
	// slow; further ones are made only where nobody can stand in.
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

// patience is how long a set waits for its drives, and which of them are slow or hang.
type patience struct {
	hangAfter time.Duration
	began     time.Time
	left      [setDrivesMax]left
	mean      lag // of calls that waited for a device

	mu     sync.Mutex
	hedges float64 // that may be made
}

// left are the calls to a drive that nobody waits for any more.
type left struct {
	calls atomic.Int32
	moved atomic.Int64 // when there was none of them last, or one ended: nanoseconds since began
}

// newPatience waits so long for a drive before it counts as one that does not answer.
func newPatience(hangAfter time.Duration) patience {
	return patience{hangAfter: hangAfter, began: time.Now(), hedges: hedgesSaved}
}

// slow reports whether a drive has many calls that nobody waits for any more: it is not asked where
// others can stand in. A burst of reads that went on to other drives is enough for that.
func (p *patience) slow(i int) bool { return p.left[i].calls.Load() >= stuckMax }

// hangs reports whether, besides, none of them has ended for as long as a drive may take: it is not
// asked at all.
func (p *patience) hangs(i int) bool {
	return p.slow(i) && time.Since(p.began)-time.Duration(p.left[i].moved.Load()) >= p.hangAfter
}

// moves notes that a drive has ended a call, or had none to end until now.
func (p *patience) moves(i int) { p.left[i].moved.Store(int64(time.Since(p.began))) }

// haste is how long calls are waited for, and which drives are not asked.
type haste struct {
	limit time.Duration
	skips func(p *patience, i int) bool // no method value, which would be allocated for each read
}

// first is the haste of what a read asks first, before it asks others too.
func (p *patience) first() haste {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hedges = min(p.hedges+hedgeShare, hedgesSaved)
	if p.hedges < 1 {
		return haste{p.hangAfter, (*patience).slow}
	}
	mean := time.Duration(p.mean.meanNanos.Load())
	return haste{min(max(hedgeFactor*mean, hedgeDelayMin), p.hangAfter), (*patience).slow}
}

// last is the haste where nobody else can stand in: what is slow is waited for.
func (p *patience) last() haste { return haste{p.hangAfter, (*patience).hangs} }

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
	c.patience.moves(c.drive)
	c.patience.left[c.drive].calls.Add(-1)
	return false
}

// giveUp is told by who waits. false: the call has just ended.
func (c *call) giveUp() bool {
	if !c.state.CompareAndSwap(0, callGivenUp) {
		return false
	}
	if c.patience.left[c.drive].calls.Add(1) == 1 {
		c.patience.moves(c.drive)
	}
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
