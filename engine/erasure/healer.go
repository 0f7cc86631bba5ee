package erasure

import (
	"context"
	"errors"
	"sync"
	"time"

	"flashstore/engine/drive"
)

const (
	healerTick   = time.Second      // how often it looks whether drives came or went
	saveInterval = 10 * time.Second // of the state of a pass
	retryAfter   = time.Minute      // behind a pass that could not be finished
	reopenAfter  = 10 * time.Second // behind a term that missed the quorum
	// What is left behind a pass is tried so often, so long one behind the other: settles may wait
	// for 100 ms.
	repairTries = 3
	settleWait  = 250 * time.Millisecond
)

// HealConfig says how a store heals by itself.
type HealConfig struct {
	// BytesPerSecond of shards are written again, at most, in each set; 0: as fast as it goes.
	BytesPerSecond int64
	// ScrubPeriod is how often every shard is read; 0: never.
	ScrubPeriod time.Duration
}

// healer heals one set: what repairs lists, and in passes over all registers.
type healer struct {
	store   *Store
	set     *set
	config  HealConfig
	repairs *repairs
	orders  chan struct{} // a pass is asked for

	mu        sync.Mutex
	state     healState
	scrubNext bool       // the next pass reads every shard
	aside     *passState // a scrub that gave way to healing; resume: the next pass goes on with it
	resume    bool
	anew      bool       // the next pass begins at the beginning
	pass      *passState // under way; nil: none
	ended     *sync.Cond // a pass has ended
}

// passState is a pass over all registers, as far as it got.
type passState struct {
	number    uint64 // of its beginning
	verify    bool
	began     time.Time
	resumed   uint64 // registers that an earlier process had seen
	registers uint64
	at        place
	short     uint64
	undecided uint64
	lacking   uint32
	more      bool // registers were short that nobody has listed
	candidate []candidate
}

// candidate is a drive that is complete behind a pass, if it lacks nothing then.
type candidate struct {
	position int
	drive    drive.Drive
	id       string
	mark     drive.Order
}

func newHealer(store *Store, s *set, config HealConfig) *healer {
	h := &healer{store: store, set: s, config: config, repairs: s.repairs,
		orders: make(chan struct{}, 1), state: healState{Whole: !s.hadData}}
	h.ended = sync.NewCond(&h.mu)
	return h
}

// run heals until ctx ends.
func (h *healer) run(ctx context.Context) {
	ctx = drive.For(ctx, drive.Repair)
	if h.load(ctx) {
		h.order()
	}
	tick := time.NewTicker(healerTick)
	defer tick.Stop()
	here := h.set.present()
	var retry, reopen time.Time
	for {
		select {
		case <-ctx.Done():
			h.save(context.WithoutCancel(ctx), true)
			return
		case <-h.orders:
			retry = h.runPass(ctx)
		case <-h.repairs.wake:
			if h.repairAll(ctx) {
				h.order()
			}
		case now := <-tick.C:
			present := h.set.present()
			if came(here, present) {
				h.repairs.again()
				h.order()
			}
			here = present
			if !h.set.writable.Load() && h.set.online() >= h.set.w && now.After(reopen) {
				h.store.reopen(ctx, h.set)
				reopen = time.Now().Add(reopenAfter)
			}
			if h.scrubDue(h.store.cfg.Now()) || !retry.IsZero() && now.After(retry) {
				h.order()
			}
			if h.repairs.takeChanged() {
				h.save(ctx, false)
			}
		}
	}
}

// order asks for a pass; one that is asked for already does.
func (h *healer) order() {
	select {
	case h.orders <- struct{}{}:
	default:
	}
}

// present tells sets of drives that take part apart.
func (s *set) present() (drives [setDrivesMax]drive.Drive) {
	for i := range s.slots {
		if s.usable(i) {
			drives[i] = s.drive(i)
		}
	}
	return drives
}

// came reports whether a drive takes part now that did not before.
func came(before, now [setDrivesMax]drive.Drive) bool {
	for i := range now {
		if now[i] != nil && now[i] != before[i] {
			return true
		}
	}
	return false
}

// repairAll heals what is listed. visit: parts lack copies, which they are given only by a pass,
// that knows what owns them.
func (h *healer) repairAll(ctx context.Context) (visit bool) {
	for ctx.Err() == nil {
		key, verify, found := h.repairs.next(h.set.online() < h.set.n)
		if !found {
			break
		}
		part := key.Space == drive.SpacePart
		got, err := h.set.heal(ctx, key, healing{verify: verify, inPlace: part})
		visit = visit || part && got.health != whole
		h.note(key, verify, got, err)
	}
	return visit
}

// repairRest heals what is listed behind a pass: what reads and writes have met meanwhile, and what
// was tried too early, such as a part that some drives have dropped and others drop with their next
// settle.
func (h *healer) repairRest(ctx context.Context) {
	for try := range repairTries {
		if try > 0 {
			pause(ctx, settleWait)
		}
		h.repairs.again()
		h.repairAll(ctx)
		if left, _ := h.repairs.count(); left == 0 || h.set.online() < h.set.n {
			return
		}
	}
}

// note counts what came of a register that was listed.
func (h *healer) note(key drive.Key, verified bool, got healed, err error) {
	h.mu.Lock()
	h.state.Healed += min(uint64(got.copied), 1)
	h.state.Bytes += got.bytes
	h.mu.Unlock()
	if err == nil && got.health == whole {
		h.repairs.remove(key, verified)
		return
	}
	h.set.log.Info("a register stays short of parity", "set", h.set.number, "key", key.Name,
		"space", key.Space, "error", err)
}

// runPass goes through all registers. It returns when to try again, if it could not end.
func (h *healer) runPass(ctx context.Context) (retry time.Time) {
	if err := h.set.renewTerm(); err != nil {
		h.set.log.Warn("the term cannot be raised", "set", h.set.number, "error", err)
	}
	p := h.begin()
	c := &scan{store: h.store, set: h.set, how: healing{verify: p.verify}, from: p.at,
		pace: &pace{bytesPerSecond: h.rate(p.verify), clients: &h.set.clients}}
	saved := time.Now()
	c.told = func(f *found) {
		h.told(p, f)
		if time.Since(saved) >= saveInterval {
			saved = time.Now()
			h.save(ctx, false)
		}
	}
	err := h.scan(ctx, c)
	if errors.Is(err, errGivesWay) {
		h.setAside(p)
		return time.Time{}
	}
	if err == nil {
		h.repairRest(ctx)
	}
	if err == nil && p.undecided == 0 {
		err = h.lift(p)
	}
	if left, _ := h.repairs.count(); err == nil && left == 0 && len(h.set.candidates()) > 0 {
		h.order() // something was short until it was tried again: nothing is any more
	}
	if err != nil && ctx.Err() == nil {
		h.set.log.Warn("healing did not get through the set", "set", h.set.number, "error", err)
	}
	h.end(p, err)
	if err != nil {
		return time.Now().Add(retryAfter)
	}
	h.goOn()
	return time.Time{}
}

// begin makes a pass, or goes on with one that was cut off: if the drives are the same, nobody
// asked for a pass since, and all that was found short behind it is listed.
func (h *healer) begin() *passState {
	candidates := h.set.candidates()
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &passState{verify: h.scrubNext, began: time.Now(), candidate: candidates,
		number: h.state.Pass + 1}
	p.more = h.repairs.takeMore()
	if h.aside != nil && (h.resume || p.verify) {
		if !p.verify {
			h.state.Open, p.number, p.verify = h.aside.open(), h.aside.number, true
		}
		h.aside, h.resume = nil, false
	}
	if o := h.state.Open; o != nil && o.Verify == p.verify && o.matches(candidates) &&
		!h.anew && !p.more {
		p.at, p.registers, p.resumed = o.at(), o.Registers, o.Registers
		p.short, p.undecided, p.lacking = o.Short, o.Undecided, o.Lacking
	}
	h.state.Open, h.scrubNext, h.anew = nil, false, false
	h.state.Pass++
	h.pass = p
	return p
}

// candidates are the drives whose "not here" does not count yet.
func (s *set) candidates() (all []candidate) {
	for i := range s.slots {
		d := s.drive(i)
		if d == nil {
			continue
		}
		if info := d.Info(); info.CompleteFrom != (drive.Order{}) && info.Health == drive.Online {
			all = append(all, candidate{i, d, info.Identity.DriveID, info.CompleteFrom})
		}
	}
	return all
}

// told counts a register of a pass.
func (h *healer) told(p *passState, f *found) {
	h.mu.Lock()
	p.registers++
	p.at = place{f.key.Space, f.key.Bucket, f.key.Name}
	p.lacking |= f.healed.lacking
	h.state.Healed += min(uint64(f.healed.copied), 1)
	h.state.Bytes += f.healed.bytes
	switch f.health {
	case short:
		p.short++
	case undecided:
		p.undecided++
	}
	h.mu.Unlock()
	if f.health == whole {
		h.repairs.remove(f.key, p.verify)
		return
	}
	h.repairs.add(f.key, p.verify)
	if f.err != nil {
		h.set.log.Warn("a register cannot be healed now", "set", h.set.number, "key", f.key.Name,
			"space", f.key.Space, "error", f.err)
	}
}

// lift makes the drives count that a pass has found or made complete: everything that the set holds
// is on them too, or can only be what was never acknowledged (rule 6).
func (h *healer) lift(p *passState) (err error) {
	s := h.set
	for _, c := range p.candidate {
		if p.lacking>>c.position&1 != 0 || s.drive(c.position) != c.drive {
			continue
		}
		if got := s.tell(c.drive, &drive.Record{Type: drive.TypeHealed, Order: c.mark,
			Token: drive.Order{Term: s.term.Load()}}); got != nil {
			err = errors.Join(err, got)
			continue
		}
		s.log.Info("a drive is complete again", "set", s.number, "drive", c.position)
	}
	return err
}

// end counts a pass that is over. What it left short or undecided is listed, and what was healed
// from the list since is not.
func (h *healer) end(p *passState, err error) {
	if err != nil && p.more {
		h.repairs.stillMore()
	}
	left, more := h.repairs.count()
	h.mu.Lock()
	h.pass = nil
	if err == nil {
		h.state.Whole = left == 0 && !more
		h.state.Ended, h.state.Registers = h.store.cfg.Now().UTC(), p.registers
		h.state.Short, h.state.Undecided = p.short, p.undecided
		if p.verify {
			h.state.Scrubbed = h.state.Ended
		}
	} else {
		h.state.Open = p.open()
	}
	h.state.Error = ""
	if err != nil {
		h.state.Error = err.Error()
	}
	h.ended.Broadcast()
	h.mu.Unlock()
}
