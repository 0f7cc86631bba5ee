package model

import "fmt"

// holderStep is apply for what an actor does.
func (c *Config) holderStep(s *state, t step) (broken string) {
	a := &s.actors[t.who]
	switch t.action {
	case start:
		s.terms++
		a.term, a.phase = c.term(s), raising
		a.slot = c.send(s, t.who, sending{kind: sendTerm, token: at(a.term, 0), held: true},
			func(d *drive) bool { return d.presence != away })
		if c.Without == TermBeforeWrites {
			c.leave(s, t.who, idle)
		}
	case raised:
		c.leave(s, t.who, idle)
	case put, purge:
		c.write(s, t)
	case acknowledge:
		broken = c.acknowledged(s, t.who)
		c.settle(s, t.who, a.id, a.slot)
		c.leave(s, t.who, idle)
	case giveUp:
		c.giveUp(s, t.who)
	case read, heal, discard:
		broken = c.gather(s, t)
	case ask:
		c.ask(s, t.who, &s.drives[t.at])
	case conclude:
		broken = c.conclude(s, t.who)
	case rolled:
		broken = c.result(s, t.who, a.id)
		c.settle(s, t.who, a.id, a.slot)
		c.leave(s, t.who, idle)
	case fenced:
		c.discard(s, t.who)
	case restored:
		c.complete(s, t.who, a.slot)
		c.leave(s, t.who, idle)
	case forget:
		c.send(s, t.who, sending{kind: sendForget, id: c.forgettable(s)}, isHere)
	}
	return broken
}

// term is the one that a holder takes.
func (c *Config) term(s *state) uint8 {
	if !c.Alone {
		return s.terms
	}
	most := uint8(0)
	for i := range s.drives[:c.Drives] {
		if d := &s.drives[i]; isHere(d) {
			most = max(most, d.term)
		}
	}
	return most + 1
}

// acknowledged checks what a write's acknowledgement promises.
func (c *Config) acknowledged(s *state, who uint8) (broken string) {
	a := &s.actors[who]
	holders := 0
	for i := range s.drives[:c.Drives] {
		d := &s.drives[i]
		if d.have.has(a.id) || s.below(1<<a.id, s.top(d.settled)) != 0 {
			holders++
		}
	}
	switch {
	case s.older(a.id, a.since):
		return fmt.Sprintf("write %d is acknowledged, and is older than what was promised before "+
			"it began", a.id)
	case holders < c.Quorum && s.promise != a.id+1 && !s.older(a.id, s.promise):
		return fmt.Sprintf("write %d is acknowledged, and %d drives have it", a.id, holders)
	}
	s.promiseOf(a.id)
	return ""
}

func (c *Config) write(s *state, t step) {
	a := &s.actors[t.who]
	a.seq++
	a.id, a.phase, a.since = s.begun, writing, s.promise
	s.orders[a.id] = at(a.term, a.seq)
	s.begun++
	if t.action == purge {
		s.purges |= 1 << a.id
	}
	a.slot = c.send(s, t.who, sending{kind: sendCommit, id: a.id, token: s.orders[a.id],
		held: true}, isHere)
}

// settle tells the drives that did what is in slot, and those that said they have it, that id is on
// the write quorum.
func (c *Config) settle(s *state, who, id, slot uint8) {
	c.send(s, who, sending{kind: sendSettle, id: id}, func(d *drive) bool {
		return d.sent[slot] == done && s.sending[slot].id == id || d.said[who].have.has(id)
	})
}

func (c *Config) giveUp(s *state, who uint8) {
	a := &s.actors[who]
	if a.phase == writing && s.free() >= 0 {
		switch c.Without {
		case NeverRollBack:
			c.send(s, who, sending{kind: sendDiscard, id: a.id}, isHere)
		case SettleAfterQuorum:
			c.settle(s, who, a.id, a.slot)
		}
	}
	c.leave(s, who, idle)
}

// gather begins an operation that asks the drives. A holder asks all that are here at one moment:
// what happens to others between two answers might as well happen before, or after. The reader asks
// one by one, at the gateway of the newest holder.
func (c *Config) gather(s *state, t step) (broken string) {
	a := &s.actors[t.who]
	s.reads--
	a.since, a.phase = s.promise, asking
	if t.who == reader {
		for i := range s.actors[:reader] {
			if h := &s.actors[i]; h.phase != off && h.phase != raising {
				a.term = max(a.term, h.term)
			}
		}
		return ""
	}
	switch t.action {
	case heal:
		a.purpose = toHeal
	case discard:
		a.purpose = toDiscard
		if c.Without != FenceBeforeDiscard {
			a.phase = fencing
			a.slot = c.send(s, t.who, sending{kind: sendFence, held: true}, isHere)
			return ""
		}
	}
	for i := range s.drives[:c.Drives] {
		if d := &s.drives[i]; isHere(d) {
			c.ask(s, t.who, d)
		}
	}
	return c.conclude(s, t.who)
}

func (c *Config) ask(s *state, who uint8, d *drive) {
	if c.Without != TermBeforeAnswers {
		d.term = max(d.term, s.actors[who].term)
	}
	d.said[who] = answer{true, d.have, d.settled, d.mark}
}

// conclude judges what an actor gathered.
func (c *Config) conclude(s *state, who uint8) (broken string) {
	a := &s.actors[who]
	v := c.judge(s, int(who))
	if who == reader {
		if !v.ignored || c.Without == LockIgnores {
			broken = c.answer(s, who, v)
		}
		c.leave(s, who, idle)
		return broken
	}
	switch {
	case a.purpose == toDiscard:
		c.discard(s, who)
		return ""
	case v.outcome == decide:
		c.copy(s, who, v.id, rolling)
		return ""
	case a.purpose == toHeal:
		return c.restore(s, who, v)
	}
	broken = c.answer(s, who, v)
	if v.outcome == served && !v.settled {
		c.settle(s, who, v.id, a.slot)
	}
	c.leave(s, who, idle)
	return broken
}

// copy brings id to the drives that said they lack it, under its old order.
func (c *Config) copy(s *state, who, id uint8, to phase) {
	a := &s.actors[who]
	if s.free() < 0 {
		c.leave(s, who, idle)
		return
	}
	a.id, a.phase = id, to
	a.slot = c.send(s, who, sending{kind: sendCommit, id: id, held: true}, func(d *drive) bool {
		return isHere(d) && !d.said[who].have.has(id)
	})
}

// restore copies what is served to the drives that lack it, after which they are complete.
func (c *Config) restore(s *state, who uint8, v verdict) (broken string) {
	complete := 0
	for i := range s.drives[:c.Drives] {
		if a := &s.drives[i].said[who]; a.given && a.mark == 0 {
			complete++
		}
	}
	broken = c.answer(s, who, v)
	switch {
	case complete < c.Drives-c.Quorum+1 && c.Without != HealedBeforeComplete,
		v.outcome == unavailable && c.Without != HealedBeforeComplete:
		c.leave(s, who, idle)
	case v.outcome == served && c.Without != HealedBeforeComplete:
		c.copy(s, who, v.id, restoring)
	default:
		c.complete(s, who, sendingMax)
		c.leave(s, who, idle)
	}
	return broken
}

// complete lowers the marks of the drives that answered and, where something was copied to them,
// took it.
func (c *Config) complete(s *state, who, slot uint8) {
	a := &s.actors[who]
	for i := range s.drives[:c.Drives] {
		d := &s.drives[i]
		if !isHere(d) || !d.said[who].given {
			continue
		}
		if slot == sendingMax || d.sent[slot] == done || d.said[who].have.has(a.id) {
			d.mark = 0
		}
	}
}

// discard ends a round: what was never acknowledged is discarded for good (rules 5 and 8).
func (c *Config) discard(s *state, who uint8) {
	seen, answers := writes(0), 0
	for i := range s.drives[:c.Drives] {
		a := &s.drives[i].said[who]
		seen |= a.have
		if a.given {
			answers++
		}
	}
	ids := s.newest(seen)
	if len(ids) > 0 {
		copies, silent, settled := c.count(s, int(who), ids[0])
		never := copies+silent < c.Quorum
		fresh := answers == c.Drives && c.Without != NeverRecoverable
		if copies < c.Data && !settled && (never || fresh) && s.free() >= 0 {
			c.send(s, who, sending{kind: sendDiscard, id: ids[0]}, isHere)
		}
	}
	c.leave(s, who, idle)
}

// answer is what a read returns.
func (c *Config) answer(s *state, who uint8, v verdict) (broken string) {
	switch {
	case v.outcome == served:
		return c.result(s, who, v.id)
	case v.outcome == absent:
		return c.result(s, who, writesMax)
	}
	return ""
}

// result checks what a read returns: a write, or writesMax for nothing. A tombstone that was
// forgotten is as good as one that is there.
func (c *Config) result(s *state, who, id uint8) (broken string) {
	since := s.actors[who].since
	if id != writesMax {
		if s.older(id, since) {
			return fmt.Sprintf("actor %d reads write %d, and write %d was promised", who, id, since-1)
		}
		s.promiseOf(id)
		return ""
	}
	for i := range s.begun { // one that may have come in between
		if s.purges.has(i) && since != 0 && s.orders[i] >= s.orders[since-1] {
			return ""
		}
	}
	if since != 0 {
		return fmt.Sprintf("actor %d reads nothing, and write %d was promised", who, since-1)
	}
	return ""
}

// stuck says that nothing can decide the key though all drives answer, and what is under way may be
// lost.
func (c *Config) stuck(s *state) (broken string) {
	for i := range s.drives[:c.Drives] {
		if !isHere(&s.drives[i]) {
			return ""
		}
	}
	look := *s
	for i := range look.drives[:c.Drives] {
		d := &look.drives[i]
		d.said[0] = answer{true, d.have, d.settled, d.mark}
	}
	v := c.judge(&look, 0)
	if v.outcome == unavailable && (v.settled || c.Without == NeverRecoverable) {
		return fmt.Sprintf("all drives answer, and nobody can tell what became of write %d", v.id)
	}
	return ""
}
