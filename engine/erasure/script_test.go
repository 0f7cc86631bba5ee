package erasure

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/model"
)

// giveUpAfter is how long a write waits that is to be given up.
const giveUpAfter = 20 * time.Millisecond

// TestCounterexamples plays what breaks the promise where a rule is left out against the code,
// which has it: nobody reads less than what was promised, and in the end, with all drives here and
// healed, the key can be read. Where the code does not do what a step says, the step is impossible,
// which is what the rule is for: the log says so.
func TestCounterexamples(t *testing.T) {
	all, err := model.AllRecorded()
	if err != nil {
		t.Fatal(err)
	}
	if needs := model.Needs(); len(all) != len(needs) {
		t.Errorf("%d of %d rules have a script", len(all), len(needs))
	}
	ends := make([]string, len(all))
	t.Run("rules", func(t *testing.T) {
		for n, r := range all {
			t.Run(r.Rule.String(), func(t *testing.T) {
				t.Parallel()
				for i, places := range places(r.Drives()) {
					p := newStagePlay(t, &r, i == 0)
					p.say("%s; without the rule %s", r.World, r.Broken)
					for _, e := range r.Script {
						e.Drive = places[e.Drive]
						p.play(e)
					}
					p.end()
					ends[n] = p.impossible
				}
			})
		}
	})
	for n, r := range all {
		if ends[n] == "" {
			ends[n] = "every step happens"
		}
		t.Logf("%s is played: %s", r.Rule, ends[n])
	}
}

// places are orders of n drives, which are not asked alike: all of up to three, and so many of more
// that each drive is in each place, from both sides.
func places(n int) (all [][]int) {
	if n <= 3 {
		return permutations(n)
	}
	for first := range n {
		order := []int(nil)
		for i := range n {
			order = append(order, (first+i)%n)
		}
		all = append(all, order, slices.Clone(order))
		slices.Reverse(all[len(all)-1])
	}
	return all
}

// permutations of the numbers from 0 to n-1.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// play does what an event says.
func (p *stagePlay) play(e model.Event) {
	p.say("%v", e)
	p.step = e
	switch e.What {
	case model.Put, model.Purge:
		p.begin(e)
	case model.Commit, model.Settle, model.Discard:
		p.deliver(e)
	case model.Fence:
		_, _ = p.take(p.drives[e.Drive], isFence)
	case model.Acknowledge:
		p.acknowledge(e.Write)
	case model.GiveUp:
		if w := p.writes[e.Write]; p.over(w) == nil {
			p.t.Errorf("write %v is acknowledged, and is to be given up", w.order)
		}
		for _, d := range p.drives {
			d.answer()
		}
	case model.Read:
		p.readAll()
	case model.Round:
		p.round(p.holder(e))
	case model.Heal:
		p.healAll()
	case model.Start:
		p.start(e.Who)
	case model.Crash:
		p.crash(e.Who)
	default:
		p.playDrive(e)
	}
}

// playDrive does what is about drives as such, and knows what is not for a player to do.
func (p *stagePlay) playDrive(e model.Event) {
	switch e.What {
	case model.Away:
		p.drives[e.Drive].setAway(true)
	case model.Back:
		p.comeBack(e.Drive)
	case model.Blank:
		p.replace(e.Drive)
	case model.Forget:
		p.forget(p.holder(e))
	case model.Term:
		p.takeTerm(p.drives[e.Drive])
	case model.Raised: // a holder that starts sees to that: it does not write before
	case model.Judged:
		p.judged.Store(true)
	case model.Roll, model.Rolled, model.Complete, model.Forgotten:
		// Whoever reads, heals or began the round does that by itself.
	case model.Lost: // what is not delivered is lost
	default:
		p.t.Fatalf("%v cannot be played", e)
	}
}

// takeTerm lets a drive take the term of the holder that was started last. A holder that sees too
// few drives sends it to none; this is one that sees others go only behind that.
func (p *stagePlay) takeTerm(d *scripted) {
	term := drive.Order{Term: p.newestHolder().store.sets[0].term.Load()}
	took := make(chan error, 1)
	d.Drive.Commit(&drive.Record{Type: drive.TypeTerm, Order: term, Token: term,
		WriteID: newWriteID()}, func(err error) { took <- err })
	if err := <-took; err != nil {
		p.t.Fatal(err)
	}
}

// begin starts a write, and returns when all drives have been sent it.
func (p *stagePlay) begin(e model.Event) {
	one := p.holder(e)
	w := &playedWrite{by: one, purge: e.What == model.Purge, since: p.promise,
		ended: make(chan error, 1)}
	number := len(p.writes)
	p.writes = append(p.writes, w)
	one.store.sets[0].commitTimeout = commitTimeoutDefault
	if p.script.GivesUp(number) {
		one.store.sets[0].commitTimeout = giveUpAfter
	}
	go func() {
		if w.purge {
			w.ended <- remove(p.t.Context(), one.store, "bucket", "k")
		} else {
			w.ended <- one.put("k", bodyOf(number))
		}
		p.happen()
	}()
	p.until("the write is sent", func() bool { return p.sent(w) || len(w.ended) > 0 })
	if !p.sent(w) {
		p.cannot("the write is refused")
	}
}

// sent finds out what a write is called, once all drives that are here were sent it.
func (p *stagePlay) sent(w *playedWrite) bool {
	if w.id != (drive.WriteID{}) {
		return true
	}
	id, order := drive.WriteID{}, drive.Order{}
	for _, d := range p.drives {
		if d.isAway() {
			continue
		}
		r := d.find(func(r *drive.Record) bool { return r.Type != drive.TypeSettle && p.isNew(r) })
		if r == nil {
			return false
		}
		id, order = r.WriteID, r.Order
	}
	w.id, w.order = id, order
	return id != (drive.WriteID{})
}

func (p *stagePlay) isNew(r *drive.Record) bool {
	return r.Token == r.Order &&
		!slices.ContainsFunc(p.writes, func(w *playedWrite) bool { return w.id == r.WriteID })
}

// deliver lets a drive take what is about a write.
func (p *stagePlay) deliver(e model.Event) {
	w, d := p.writes[e.Write], p.drives[e.Drive]
	// A write that is to be given up hears of its quorum too late.
	d.answersLate(e.What == model.Commit && !w.over && p.script.GivesUp(e.Write) &&
		p.holdersOf(w) == p.quorum-1)
	err, found := p.take(d, func(r *drive.Record) bool {
		return r.WriteID == w.id && (r.Type == drive.TypeSettle) == (e.What == model.Settle) &&
			(r.Type == drive.TypeDiscard) == (e.What == model.Discard)
	})
	if found && err == nil && e.What == model.Commit {
		w.on = append(w.on, d)
	}
}

// take lets a drive take the first of its records that is meant.
func (p *stagePlay) take(d *scripted, meant func(*drive.Record) bool) (err error, found bool) {
	if err, found = d.deliver(meant); !found {
		p.cannot("the code has sent nothing of that kind")
	} else if err != nil {
		p.cannot("%v", err)
	}
	return err, found
}

// acknowledge waits for the answer to a write that is on the quorum.
func (p *stagePlay) acknowledge(number int) {
	w := p.writes[number]
	if n := p.holdersOf(w); n < p.quorum {
		p.cannot("%d drives have it", n)
		return
	}
	if err := p.over(w); err != nil {
		p.t.Fatalf("write %d on the quorum: %v", number, err)
	}
}

// holdersOf counts the drives that took a write, and were not replaced since.
func (p *stagePlay) holdersOf(w *playedWrite) (n int) {
	for _, d := range w.on {
		if slices.Contains(p.drives, d) {
			n++
		}
	}
	return n
}

// over waits for the answer to a write, which is a promise if it is no error, and somebody is left
// to say so.
func (p *stagePlay) over(w *playedWrite) error {
	if w.over {
		return nil
	}
	err := <-w.ended
	if w.over = true; err != nil || w.by.dead {
		return err
	}
	if n := p.holdersOf(w); n < p.quorum {
		p.t.Errorf("write %v is acknowledged, and %d drives have it", w.order, n)
	}
	if w.since != nil && !w.since.order.Less(w.order) {
		p.t.Errorf("write %v is acknowledged, and is not newer than %v, which was promised before",
			w.order, w.since.order)
	}
	p.promised(w)
	return nil
}

func (p *stagePlay) promised(w *playedWrite) {
	if p.promise == nil || p.promise.order.Less(w.order) {
		p.promise = w
	}
}

// end lets what was not delivered fail, waits for what is under way, reads, and heals: then all is
// decided.
func (p *stagePlay) end() {
	p.ending = true
	p.say("what is under way is lost")
	for _, d := range append(slices.Clone(p.drives), p.replaced...) {
		d.refuse()
	}
	for _, w := range p.writes {
		_ = p.over(w)
	}
	p.waitAll()
	p.readAll()
	p.say("all drives come back, and are healed")
	for i := range p.drives {
		p.comeBack(i)
	}
	last := p.newestHolder()
	if slices.ContainsFunc(p.drives, (*scripted).isBlank) {
		if err := last.store.sets[0].raise(); err != nil {
			p.t.Fatal(err)
		}
	}
	last.store.healers[0].runPass(p.t.Context())
	p.decided = true
	p.readAll()
	p.close()
}

// bodyOf is what a write of the script writes.
func bodyOf(number int) []byte {
	return append([]byte{byte(number)}, pattern(3000, uint64(number))...)
}

// cannot notes that the code does not do what a step says.
func (p *stagePlay) cannot(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	p.say("impossible: %s", why)
	if p.impossible == "" {
		p.impossible = fmt.Sprintf("%q is impossible: %s", p.step, why)
	}
}

// say logs what is played, of the first order of drives.
func (p *stagePlay) say(format string, args ...any) {
	if p.aloud {
		p.t.Logf("%s", fmt.Sprintf(format, args...))
	}
}
