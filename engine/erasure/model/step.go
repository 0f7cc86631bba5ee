package model

import (
	"fmt"
	"strings"
)

// action is a kind of step.
type action uint8

// The adversary's actions, then those of actors.
const (
	depart action = iota
	comeBack
	wipe
	crash
	deliver
	lose
	start
	raised
	put
	purge
	acknowledge
	giveUp
	read
	heal
	discard
	ask
	conclude
	rolled
	fenced
	restored
	forget
)

// step is an action with whom and what it is about, as far as it is about that.
type step struct {
	action        action
	who, at, slot uint8
}

var actionTexts = [...]string{
	depart: "drive $drive goes away", comeBack: "drive $drive comes back",
	wipe:  "drive $drive is replaced by a blank one",
	crash: "holder $who dies", start: "holder $who starts, with a new term",
	raised: "the term of holder $who is on the write quorum",
	put:    "holder $who begins a put", purge: "holder $who begins a purge",
	acknowledge: "holder $who acknowledges its write", giveUp: "holder $who gives up",
	discard: "holder $who begins a fenced round",
	ask:     "the reader asks drive $drive", conclude: "the reader judges the answers",
	rolled:   "holder $who serves what it rolled forward",
	fenced:   "holder $who judges the answers from behind the fence",
	restored: "holder $who has copied, drives are complete",
	forget:   "holder $who has a tombstone forgotten",
	read:     "actor $who reads", heal: "holder $who begins to heal",
	deliver: "drive $drive takes", lose: "what is still under way is lost:",
}

var kindTexts = [...]string{sendTerm: "the term", sendCommit: "the commit",
	sendSettle: "the settle", sendFence: "the fence", sendDiscard: "the discard",
	sendForget: "the forgetting"}

// text says what t does in s; the drive is named as it was at the beginning.
func (t step) text(s *state, drive uint8) string {
	text := strings.NewReplacer("$who", fmt.Sprint(t.who), "$drive", fmt.Sprint(drive)).Replace(
		actionTexts[t.action])
	if t.action != deliver && t.action != lose {
		return text
	}
	g := &s.sending[t.slot]
	text += " " + kindTexts[g.kind]
	switch g.kind {
	case sendCommit, sendSettle, sendDiscard, sendForget:
		text += fmt.Sprintf(" of write %d", g.id)
	}
	return text + fmt.Sprintf(" (term %d)", g.token.term())
}

// steps calls f for every step that s allows.
func (c *Config) steps(s *state, f func(step)) {
	c.adversary(s, f)
	for slot := range s.sending {
		g := &s.sending[slot]
		if g.kind == nothing {
			continue
		}
		for i := range s.drives[:c.Drives] {
			d := &s.drives[i]
			hears := d.presence == here || d.presence == blank && g.kind == sendTerm
			if d.sent[slot] == underWay && hears && !c.same(s, i) {
				f(step{action: deliver, at: uint8(i), slot: uint8(slot)})
			}
		}
		if !g.held && s.free() < 0 { // to be delivered never is as good
			f(step{action: lose, slot: uint8(slot)})
		}
	}
	for who := range s.actors {
		c.act(s, uint8(who), f)
	}
}

// same reports whether drive i is the same as the one before it: what one does the other need not.
func (c *Config) same(s *state, i int) bool { return i > 0 && s.drives[i] == s.drives[i-1] }

func (c *Config) adversary(s *state, f func(step)) {
	for i := range s.drives[:c.Drives] {
		if c.same(s, i) {
			continue
		}
		d := &s.drives[i]
		t := step{at: uint8(i)}
		switch d.presence {
		case away:
			f(step{action: comeBack, at: t.at})
		case here:
			if s.departures > 0 {
				f(step{action: depart, at: t.at})
			}
		}
		if d.presence != blank && s.wipes > 0 && c.bearable(s, i) {
			f(step{action: wipe, at: t.at})
		}
	}
	if s.crashes > 0 {
		for who := range s.actors[:reader] {
			if s.actors[who].phase != off {
				f(step{action: crash, who: uint8(who)})
			}
		}
	}
}

// bearable reports whether the promise holds without drive i: the newest write that is promised
// stays on as many as a read needs.
func (c *Config) bearable(s *state, i int) bool {
	if s.promise == 0 {
		return true
	}
	left := 0
	for j := range s.drives[:c.Drives] {
		if j != i && s.drives[j].have.has(s.promise-1) {
			left++
		}
	}
	return left >= c.Data
}

// act calls f for what an actor can do.
func (c *Config) act(s *state, who uint8, f func(step)) {
	a := &s.actors[who]
	do := func(k action) { f(step{action: k, who: who}) }
	switch a.phase {
	case off:
		other := s.actors[1-min(who, 1)].phase
		if who != reader && s.terms < c.Terms && s.free() >= 0 && !(c.Alone && other != off) {
			do(start)
		}
	case raising:
		if c.acks(s, a.slot) >= c.Quorum {
			do(raised)
		}
	case idle:
		c.begin(s, who, f)
	case asking:
		for i := range s.drives[:c.Drives] {
			if d := &s.drives[i]; d.presence == here && !d.said[who].given && !c.same(s, i) {
				f(step{action: ask, who: who, at: uint8(i)})
			}
		}
		do(conclude)
	case writing:
		need := c.Quorum
		if c.Without == QuorumAcknowledges {
			need--
		}
		if c.acks(s, a.slot) >= need && s.free() >= 0 {
			do(acknowledge)
		}
		do(giveUp)
	case rolling:
		if c.acks(s, a.slot)+c.saidToHave(s, who, a.id) >= c.Quorum && s.free() >= 0 {
			do(rolled)
		}
		do(giveUp)
	case fencing:
		need := c.Drives
		if c.Without == FenceEverywhere {
			need = c.Quorum
		}
		if c.acks(s, a.slot) >= need {
			do(fenced)
		}
		do(giveUp)
	case restoring:
		if !c.underWay(s, a.slot) {
			do(restored)
		}
		do(giveUp)
	}
}

// begin calls f for the operations that an idle actor can begin.
func (c *Config) begin(s *state, who uint8, f func(step)) {
	do := func(k action) { f(step{action: k, who: who}) }
	if who == reader {
		if s.reads > 0 && c.Reader {
			do(read)
		}
		return
	}
	if s.free() < 0 || s.actors[who].seq > 12 {
		return
	}
	if s.reads > 0 {
		do(read)
	}
	if s.begun < c.Writes {
		do(put)
		do(purge)
	}
	if s.reads > 0 && s.begun > 0 {
		if c.wiped(s) {
			do(heal)
		}
		do(discard)
	}
	if c.forgettable(s) != writesMax {
		do(forget)
	}
}

// wiped reports whether a drive is not complete.
func (c *Config) wiped(s *state) bool {
	for i := range s.drives[:c.Drives] {
		if s.drives[i].mark != 0 {
			return true
		}
	}
	return false
}

// forgettable is a tombstone that may be forgotten (rule 7), writesMax if there is none.
func (c *Config) forgettable(s *state) uint8 {
	need := c.Drives
	if c.Without == TombstoneEverywhere {
		need = c.Quorum
	}
	for id := range s.begun {
		holders := 0
		for i := range s.drives[:c.Drives] {
			d := &s.drives[i]
			complete := d.mark == 0 || c.Without == TombstoneEverywhere
			if d.presence == here && complete && d.settled.has(id) {
				holders++
			}
		}
		if s.purges.has(id) && holders >= need {
			return id
		}
	}
	return writesMax
}

// acks counts the drives that did what is in slot.
func (c *Config) acks(s *state, slot uint8) (n int) {
	for i := range s.drives[:c.Drives] {
		if s.drives[i].sent[slot] == done {
			n++
		}
	}
	return n
}

func (c *Config) underWay(s *state, slot uint8) bool {
	for i := range s.drives[:c.Drives] {
		if s.drives[i].sent[slot] == underWay {
			return true
		}
	}
	return false
}

// saidToHave counts the drives that told who that they have a write.
func (c *Config) saidToHave(s *state, who, id uint8) (n int) {
	for i := range s.drives[:c.Drives] {
		if s.drives[i].said[who].have.has(id) {
			n++
		}
	}
	return n
}

// free is a free slot of what is sent, -1 if there is none.
func (s *state) free() int {
	for i := range s.sending {
		if s.sending[i].kind == nothing {
			return i
		}
	}
	return -1
}
