package model

import (
	"cmp"
	"math/bits"
	"slices"
)

// Limits of the fixed-size state.
const (
	drivesMax  = 6
	writesMax  = 4
	sendingMax = 5
	actors     = 3 // two holders and a reader
	reader     = 2
)

// order of a write, and token of whoever sends: term and sequence, compared as one number.
type order uint8

func at(term, sequence uint8) order { return order(term<<4 | sequence) }

func (o order) term() uint8 { return uint8(o >> 4) }

// writes is a set of writes, a bit each.
type writes uint8

func (w writes) has(id uint8) bool { return w>>id&1 != 0 }

// presence of a drive.
type presence uint8

const (
	here  presence = iota
	away           // it keeps what it has, and neither hears nor answers
	blank          // it has nothing, and waits for a term
)

// answer is what a drive said to an actor.
type answer struct {
	given         bool
	have, settled writes
	mark          order // below it "not here" says nothing
}

// fate of what was sent to a drive.
type fate uint8

const (
	notSent fate = iota
	underWay
	done // and said so
)

// drive is one drive with all that others know of it: drives are alike, so a state is the same
// whatever their order.
type drive struct {
	presence presence
	term     uint8
	fence    order
	mark     order
	have     writes
	settled  writes // a part of have
	gone     writes // discarded
	sent     [sendingMax]fate
	said     [actors]answer
}

// kind of what is sent.
type kind uint8

const (
	nothing kind = iota
	sendTerm
	sendCommit
	sendSettle
	sendFence
	sendDiscard
	sendForget
)

// sending is one record on its way to several drives.
type sending struct {
	kind  kind
	id    uint8
	token order
	held  bool // somebody waits for it
}

// phase of an actor.
type phase uint8

const (
	off       phase = iota
	raising         // its term is on its way
	idle            // a holder between operations; nobody reads, for the reader
	asking          // it gathers answers
	writing         // a new write is on its way
	rolling         // an old one is, which it will serve
	fencing         // a fence is on its way
	restoring       // a healed copy is on its way
)

// purpose of a gathering.
type purpose uint8

const (
	toRead purpose = iota
	toHeal
	toDiscard
)

// actor is a lock holder, or the reader, which has no lock.
type actor struct {
	phase   phase
	purpose purpose
	term    uint8
	seq     uint8
	id      uint8
	slot    uint8 // of what it waits for
	since   uint8 // the promise when its operation began
}

// state of the world.
type state struct {
	drives  [drivesMax]drive
	sending [sendingMax]sending
	actors  [actors]actor
	orders  [writesMax]order // of the writes that have begun
	begun   uint8
	purges  writes
	promise uint8 // the newest write that was acknowledged, or read, plus 1
	terms   uint8 // that were handed out

	// What the adversary has left.
	departures, wipes, crashes, reads uint8
}

// canonical sorts what is under way and the drives, and returns where each drive was.
func (s *state) canonical(n int) (from [drivesMax]uint8) {
	s.sortSending()
	for i := range from {
		from[i] = uint8(i)
	}
	old := s.drives
	slices.SortStableFunc(from[:n], func(a, b uint8) int { return old[a].compare(&old[b]) })
	for i, j := range from[:n] {
		s.drives[i] = old[j]
	}
	return from
}

// sortSending sorts the slots. No two in use are alike in token and kind.
func (s *state) sortSending() {
	for i := 1; i < sendingMax; i++ {
		for j := i; j > 0 && s.sending[j-1].less(&s.sending[j]); j-- {
			s.swap(uint8(j-1), uint8(j))
		}
	}
}

func (g *sending) less(h *sending) bool {
	return cmp.Or(cmp.Compare(g.kind, h.kind), cmp.Compare(g.token, h.token),
		cmp.Compare(g.id, h.id)) < 0
}

func (s *state) swap(a, b uint8) {
	s.sending[a], s.sending[b] = s.sending[b], s.sending[a]
	for i := range s.drives {
		sent := &s.drives[i].sent
		sent[a], sent[b] = sent[b], sent[a]
	}
	for i := range s.actors {
		if h := &s.actors[i]; h.waits() {
			switch h.slot {
			case a:
				h.slot = b
			case b:
				h.slot = a
			}
		}
	}
}

// waits reports whether the actor waits for what it has sent.
func (a *actor) waits() bool {
	return a.phase != off && a.phase != idle && a.phase != asking
}

func (d *drive) compare(e *drive) int {
	if c := cmp.Or(cmp.Compare(d.presence, e.presence), cmp.Compare(d.term, e.term),
		cmp.Compare(d.fence, e.fence), cmp.Compare(d.mark, e.mark), cmp.Compare(d.have, e.have),
		cmp.Compare(d.settled, e.settled), cmp.Compare(d.gone, e.gone)); c != 0 {
		return c
	}
	for i := range d.sent {
		if c := cmp.Compare(d.sent[i], e.sent[i]); c != 0 {
			return c
		}
	}
	for i := range d.said {
		if c := d.said[i].compare(&e.said[i]); c != 0 {
			return c
		}
	}
	return 0
}

func (a *answer) compare(b *answer) int {
	given := func(x *answer) int {
		if x.given {
			return 1
		}
		return 0
	}
	return cmp.Or(given(a)-given(b), cmp.Compare(a.have, b.have),
		cmp.Compare(a.settled, b.settled), cmp.Compare(a.mark, b.mark))
}

// newest lists the writes of a set by descending order.
func (s *state) newest(set writes) []uint8 {
	ids := make([]uint8, 0, writesMax)
	for ; set != 0; set &= set - 1 {
		ids = append(ids, uint8(bits.TrailingZeros8(uint8(set))))
	}
	slices.SortFunc(ids, func(a, b uint8) int { return cmp.Compare(s.orders[b], s.orders[a]) })
	return ids
}

// below is the part of set whose order is lower than that of id.
func (s *state) below(set writes, id uint8) (lower writes) {
	for i := range s.begun {
		if id < writesMax && set.has(i) && s.orders[i] < s.orders[id] {
			lower |= 1 << i
		}
	}
	return lower
}

// promiseOf records that id was acknowledged or returned.
func (s *state) promiseOf(id uint8) {
	if s.promise == 0 || s.orders[id] > s.orders[s.promise-1] {
		s.promise = id + 1
	}
}

// older reports whether id is not what was promised, nor newer.
func (s *state) older(id, promise uint8) bool {
	return promise != 0 && id != promise-1 && s.orders[id] <= s.orders[promise-1]
}

// top is the newest of a set, writesMax if it is empty.
func (s *state) top(set writes) uint8 {
	if ids := s.newest(set); len(ids) > 0 {
		return ids[0]
	}
	return writesMax
}
