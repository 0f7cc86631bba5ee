package model

// outcome of rule 4.
type outcome uint8

const (
	absent outcome = iota
	served
	decide      // bring it to the quorum first
	unavailable // it cannot be told
)

// verdict is an outcome with what it is about.
type verdict struct {
	outcome outcome
	id      uint8 // of served and decide, and of what stands in the way of unavailable
	ignored bool  // something newer was passed over
	settled bool
	copies  int
}

// judge applies rule 4 to what the drives said to an actor.
func (c *Config) judge(s *state, who int) verdict {
	seen := writes(0)
	for i := range s.drives[:c.Drives] {
		seen |= s.drives[i].said[who].have
	}
	v := verdict{}
	for _, id := range s.newest(seen) {
		copies, silent, settled := c.count(s, who, id)
		need := c.Data
		if settled && s.purges.has(id) {
			need = 1 // it is whole on each drive
		}
		v.id, v.settled, v.copies = id, settled, copies
		switch {
		case copies >= c.Quorum, settled && copies >= c.Data,
			settled && copies >= need && (silent < c.Quorum || c.Without == FewAreNotAlone):
			v.outcome = served
			return v
		case settled && c.Without != SettledIsNotIgnored:
			v.outcome = unavailable
			return v
		case !settled && copies >= c.Data:
			v.outcome = decide
			if c.Without == DecidedFirst {
				v.outcome = served
			}
			return v
		case copies+silent < c.Quorum || c.Without == SilenceCounts || settled:
			v.ignored = true
		default:
			v.outcome = unavailable
			return v
		}
	}
	silent := 0
	for i := range s.drives[:c.Drives] {
		if a := &s.drives[i].said[who]; !a.given || a.mark != 0 {
			silent++
		}
	}
	v.outcome, v.id, v.copies, v.settled = absent, writesMax, 0, false
	if silent >= c.Quorum && c.Without != SilenceIsNoAbsence {
		v.outcome = unavailable
	}
	return v
}

// count says how many drives have a write, how many do not answer for it, and whether one has it
// settled.
func (c *Config) count(s *state, who int, id uint8) (copies, silent int, settled bool) {
	for i := range s.drives[:c.Drives] {
		a := &s.drives[i].said[who]
		switch {
		case a.have.has(id):
			copies++
			settled = settled || a.settled.has(id)
		case !a.given || s.orders[id] < a.mark:
			silent++
		}
	}
	return copies, silent, settled
}

// Said is what one drive says of writes 0, 1, ... of ascending order: a bit for each that it has,
// and for each that it has settled. Of writes below Mark its "not here" says nothing.
type Said struct {
	Given         bool
	Have, Settled uint8
	Mark          uint8
}

// Judge is rule 4 for comparison with other readings of it. purges has a bit for each write that is
// a tombstone. id is the write that the outcome is about.
func (c *Config) Judge(said []Said, purges uint8) (text string, id int, ignored bool) {
	s := state{purges: writes(purges), begun: writesMax}
	for i := range s.orders {
		s.orders[i] = at(1, uint8(i)+1)
	}
	for i, a := range said {
		s.drives[i].said[0] = answer{given: a.Given, have: writes(a.Have), settled: writes(a.Settled)}
		if a.Mark > 0 {
			s.drives[i].said[0].mark = at(1, a.Mark+1)
		}
	}
	v := c.judge(&s, 0)
	return [...]string{"absent", "served", "decide first", "unavailable"}[v.outcome], int(v.id),
		v.ignored
}
