package erasure

import (
	"context"
	"sync"
	"time"
)

// pace keeps background work within a rate.
type pace struct {
	bytesPerSecond int64 // 0: as fast as it goes

	mu   sync.Mutex
	free time.Time // when what was spent is paid for
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
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
