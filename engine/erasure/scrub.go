package erasure

import (
	"context"
	"errors"
	"sync"
	"time"

	"flashstore/engine/drive"
)

// scrubDue reports whether it is time to read every shard; the next pass does.
func (h *healer) scrubDue(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.aside != nil {
		return false // it goes on behind the next pass
	}
	if now.Before(h.state.Scrubbed) { // by a clock that was ahead: nobody knows how long ago
		h.state.Scrubbed = now
	}
	if h.config.ScrubPeriod > 0 && now.Sub(h.state.Scrubbed) >= h.config.ScrubPeriod {
		h.scrubNext = true
	}
	return h.scrubNext
}

// scan runs a scan; one that reads every shard gives way to what is to be healed meanwhile, which
// is errGivesWay.
func (h *healer) scan(ctx context.Context, c *scan) error {
	if !c.how.verify {
		return c.run(ctx)
	}
	within, stop := context.WithCancelCause(drive.For(ctx, drive.Scrub))
	var watching sync.WaitGroup
	watching.Go(func() { h.watch(ctx, within, stop) })
	err := c.run(within)
	if cause := context.Cause(within); err != nil && cause != nil {
		err = cause
	}
	stop(nil)
	watching.Wait()
	return err
}

// watch heals what is listed while a scrub goes on within a context, and stops it for a pass that
// is ordered, or for a drive that came.
func (h *healer) watch(ctx, within context.Context, stop context.CancelCauseFunc) {
	here := h.set.present()
	tick := time.NewTicker(healerTick)
	defer tick.Stop()
	for {
		select {
		case <-within.Done():
			return
		case <-h.repairs.wake:
			if h.repairAll(ctx) {
				h.order()
			}
		case <-tick.C:
			if len(h.orders) > 0 || came(here, h.set.present()) {
				stop(errGivesWay)
				return
			}
		}
	}
}

var errGivesWay = errors.New("the scrub gives way to healing")

// setAside leaves a scrub where it is, to go on behind the pass that it gives way to, which comes
// in any case: the drive that came may be gone again.
func (h *healer) setAside(p *passState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.more {
		h.repairs.stillMore()
	}
	h.pass, h.aside = nil, p
	h.order()
}

// goOn has a scrub that was set aside go on.
func (h *healer) goOn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.aside != nil {
		h.resume = true
		h.order()
	}
}

// rate is how many bytes a pass may write again, or read to look at them, each second.
func (h *healer) rate(verify bool) int64 {
	if !verify || h.config.ScrubPeriod <= 0 {
		return h.config.BytesPerSecond
	}
	used := int64(0)
	for i := range h.set.slots {
		if d := h.set.drive(i); d != nil {
			info := d.Info()
			used += info.TotalBytes - info.FreeBytes
		}
	}
	return max(used*2/int64(h.config.ScrubPeriod.Seconds()+1), scrubRateMin)
}

// scrubRateMin bytes a second are read by a scrub, whatever its period.
const scrubRateMin = 4 << 20
