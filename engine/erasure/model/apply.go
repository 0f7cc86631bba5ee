package model

import "fmt"

// apply takes a step and returns what it broke of the promise, "" if nothing.
func (c *Config) apply(s *state, t step) (broken string) {
	d := &s.drives[t.at]
	switch t.action {
	case depart:
		d.presence = away
		s.departures--
	case comeBack:
		d.presence = here
	case wipe:
		c.wipe(s, d)
	case crash:
		s.crashes--
		c.leave(s, t.who, off)
	case deliver:
		broken = c.deliver(s, d, t.slot)
	case lose:
		s.clear(t.slot)
	default:
		broken = c.holderStep(s, t)
	}
	c.tidy(s)
	return broken
}

func (c *Config) wipe(s *state, d *drive) {
	s.wipes--
	fresh := drive{presence: blank}
	if c.Without == SameIncarnation {
		fresh.said = d.said
		for i, f := range d.sent {
			if f == done {
				fresh.sent[i] = done
			}
		}
	}
	*d = fresh
}

// leave ends the operation of an actor.
func (c *Config) leave(s *state, who uint8, to phase) {
	a := &s.actors[who]
	if a.waits() {
		s.sending[a.slot].held = false
	}
	for i := range s.drives {
		s.drives[i].said[who] = answer{}
	}
	*a = actor{phase: to, term: a.term, seq: a.seq}
	if to == off || who == reader {
		a.term, a.seq = 0, 0
	}
}

// tidy frees what is sent to nobody any more.
func (c *Config) tidy(s *state) {
	for slot := range s.sending {
		if g := &s.sending[slot]; g.kind != nothing && !g.held && !c.underWay(s, uint8(slot)) {
			s.clear(uint8(slot))
		}
	}
}

func (s *state) clear(slot uint8) {
	s.sending[slot] = sending{}
	for i := range s.drives {
		s.drives[i].sent[slot] = notSent
	}
}

// send puts a record of who on its way to the drives for which to is true.
func (c *Config) send(s *state, who uint8, g sending, to func(*drive) bool) (slot uint8) {
	a := &s.actors[who]
	if g.token == 0 {
		if g.kind != sendSettle { // whose sequence nobody looks at
			a.seq++
		}
		g.token = at(a.term, a.seq)
	}
	slot = uint8(s.free())
	s.sending[slot] = g
	for i := range s.drives[:c.Drives] {
		d := &s.drives[i]
		if !to(d) {
			continue
		}
		d.sent[slot] = underWay
		if c.Prompt && (g.kind == sendSettle || g.kind == sendForget || g.kind == sendTerm) {
			c.deliver(s, d, slot)
		}
	}
	return slot
}

func isHere(d *drive) bool { return d.presence == here }

// deliver gives what is in slot to a drive.
func (c *Config) deliver(s *state, d *drive, slot uint8) (broken string) {
	g := s.sending[slot]
	d.sent[slot] = notSent
	if g.token.term() < d.term && c.Without != LowerTermsRefused {
		return ""
	}
	d.term = max(d.term, g.token.term())
	switch g.kind {
	case sendTerm:
		if d.presence == blank {
			d.presence = here
			if d.mark = g.token; c.Without == FreshIsSilent {
				d.mark = 0
			}
		}
		d.sent[slot] = done
	case sendCommit:
		if g.token < d.fence || d.gone.has(g.id) {
			return ""
		}
		d.sent[slot] = done
		c.store(s, d, g.id)
	case sendSettle:
		if d.have.has(g.id) {
			d.settled |= 1 << g.id
			s.release(d, g.id)
		}
	case sendFence:
		if g.token < d.fence {
			return ""
		}
		d.fence = g.token
		d.sent[slot] = done
		for who := range s.actors[:reader] {
			if a := &s.actors[who]; a.phase == fencing && a.slot == slot {
				d.said[who] = answer{true, d.have, d.settled, d.mark}
			}
		}
	case sendDiscard:
		if d.settled.has(g.id) {
			return ""
		}
		if d.have.has(g.id) && s.promise == g.id+1 {
			broken = fmt.Sprintf("write %d is promised, and is discarded", g.id)
		}
		d.have &^= 1 << g.id
		d.gone |= 1 << g.id
	case sendForget:
		if c.Without != ForgottenIsFenced {
			d.fence = max(d.fence, g.token)
		}
		d.have &^= 1 << g.id
		d.settled &^= 1 << g.id
	}
	return broken
}

// store keeps a write, unless something newer is settled.
func (c *Config) store(s *state, d *drive, id uint8) {
	for other := range s.begun {
		if d.settled.has(other) && s.orders[other] > s.orders[id] {
			return
		}
	}
	d.have |= 1 << id
	if c.Without == SettleReleases {
		s.release(d, id)
	}
}

// release frees what id supersedes.
func (s *state) release(d *drive, id uint8) {
	lower := s.below(d.have, id)
	d.have &^= lower
	d.settled &^= lower
}
