package erasure

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// clientsLinger is how long clients count as being there behind their last request.
	clientsLinger = 200 * time.Millisecond
	// restMax bounds the rest that follows the healing of a register beside clients.
	restMax = 20 * time.Millisecond
)

// presence is whether clients use a set.
type presence struct{ used atomic.Bool }

// note is told of every request; it writes only if that is news, since all CPUs read it.
func (p *presence) note() {
	if !p.used.Load() {
		p.used.Store(true)
	}
}

// pace keeps background work within a rate, and out of the way of clients.
type pace struct {
	bytesPerSecond int64 // 0: as fast as it goes
	clients        *presence

	turns sync.Mutex // held by whoever works beside clients

	mu   sync.Mutex
	free time.Time // when what was spent is paid for
	seen time.Time // when clients were there last
}

// turn does a piece of work. While clients are there it is the only one, and as long as it took
// nobody works: the run queues of the CPUs get empty, which is when the runtime looks for requests
// that have arrived. With several pieces at a time that is every 10 ms only.
func (p *pace) turn(ctx context.Context, work func()) {
	if !p.beside() {
		work()
		return
	}
	p.turns.Lock()
	defer p.turns.Unlock()
	began := time.Now()
	work()
	pause(ctx, min(time.Since(began), restMax))
}

// beside reports whether clients are there.
func (p *pace) beside() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.clients.used.Swap(false) {
		p.seen = now
	}
	return now.Sub(p.seen) < clientsLinger
}

// spend waits until so many more bytes are within the rate, or ctx ends.
func (p *pace) spend(ctx context.Context, bytes int64) {
	if p.bytesPerSecond <= 0 || bytes == 0 {
		return
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(bytes) / float64(p.bytesPerSecond) *
		float64(time.Second)))
	wait := p.free.Sub(now)
	p.mu.Unlock()
	pause(ctx, wait)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
