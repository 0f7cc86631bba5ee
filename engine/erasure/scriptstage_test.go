package erasure

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure/model"
	"flashstore/engine/lock"
	lockslocal "flashstore/engine/lock/local"
	"flashstore/engine/object"
)

// stagePlay is where a script is played: stores over scripted drives. Their healers do not run by
// themselves, and nobody decides what was left open but who reads.
type stagePlay struct {
	*fixture
	script *model.Recorded
	quorum int
	aloud  bool
	step   model.Event // that is played
	// impossible is the first step that was, and why.
	impossible string
	drives     []*scripted
	replaced   []*scripted
	holders    [2]*playedHolder // nil: not started, or dead
	all        []*playedHolder
	bucket     *bucket
	writes     []*playedWrite
	promise    *playedWrite // the newest that was acknowledged or read
	attempts   []*attempt
	judged     atomic.Bool // the script is past the judgement of a round
	ending     bool        // the script is over
	decided    bool        // the key can be decided
	happened   chan struct{}
}

// playedHolder is a process.
type playedHolder struct {
	*fixture // of its store
	locks    *watchedLocks
	dead     bool
}

// playedWrite is a put or purge of the script.
type playedWrite struct {
	by    *playedHolder
	id    drive.WriteID
	order drive.Order
	purge bool
	on    []*scripted  // drives that took it
	since *playedWrite // that was promised when it began
	ended chan error
	over  bool
}

// attempt is anything else that is under way.
type attempt struct {
	ended chan struct{}
	judge func() // its result, once it has ended
}

func newStagePlay(t *testing.T, script *model.Recorded, aloud bool) *stagePlay {
	world := model.Worlds()[script.World]
	p := &stagePlay{fixture: newFixture(t, world.Drives, world.Drives-world.Data), script: script,
		quorum: world.Quorum, aloud: aloud, happened: make(chan struct{}, 1)}
	p.fixture.bucket("bucket")
	b, err := p.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	p.bucket = b
	p.stop()
	p.fixture.drives = make([]*gated, world.Drives)
	for i := range world.Drives {
		p.drives = append(p.drives, p.openScripted(i))
	}
	if !world.Alone {
		p.start(0)
	}
	return p
}

// openScripted opens the drive in a place, which closes with the fixture.
func (p *stagePlay) openScripted(i int) *scripted {
	d, err := local.Open(local.Config{Path: p.path(i), Engine: p.io, InlineMax: arena.BlockBytes,
		LogSegmentBytes: 4 << 20, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.fixture.drives[i] = &gated{Drive: d}
	return &scripted{Drive: d, play: p, holds: true}
}

// start begins a process, which raises the term before it writes. It knows the bucket: the scripts
// are about one key, whatever becomes of others.
func (p *stagePlay) start(who int) {
	one := *p.fixture
	h := &playedHolder{fixture: &one, locks: &watchedLocks{Locker: lockslocal.New(), play: p,
		users: make(map[lock.ID]int)}}
	drives := make([]drive.Drive, len(p.drives))
	for i, d := range p.drives {
		if !d.isAway() {
			drives[i] = d
		}
	}
	s, err := New(Config{Sets: [][]drive.Drive{drives}, Parity: p.m, SIMD: "auto",
		Allocator: p.memory, Locks: h.locks, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	b := &bucket{name: "bucket", id: p.bucket.id}
	b.settings.Store(&settings{})
	s.buckets.known["bucket"] = b
	if err := s.sets[0].raise(); err != nil {
		p.t.Fatal(err)
	}
	h.store, p.holders[who], p.all = s, h, append(p.all, h)
}

// crash ends a process. What it has sent may still arrive.
func (p *stagePlay) crash(who int) {
	p.holders[who].dead = true
	p.holders[who] = nil
}

func (p *stagePlay) close() {
	for _, h := range p.all {
		h.store.Close()
	}
	for i, d := range p.fixture.drives {
		if err := d.Close(); err != nil {
			p.t.Error(err)
		}
		p.fixture.drives[i] = nil
	}
}

// holder is who does an event.
func (p *stagePlay) holder(e model.Event) *playedHolder {
	h := p.holders[e.Who]
	if h == nil {
		p.t.Fatalf("%v: there is no such holder", e)
	}
	return h
}

// newestHolder is the one with the highest term.
func (p *stagePlay) newestHolder() (newest *playedHolder) {
	for _, h := range p.holders {
		if h != nil && (newest == nil ||
			h.store.sets[0].term.Load() > newest.store.sets[0].term.Load()) {
			newest = h
		}
	}
	return newest
}

// replace puts a blank drive into a place, as the first step of joining does. It takes part with
// the next term.
func (p *stagePlay) replace(i int) {
	old := p.drives[i]
	old.setAway(true)
	if err := old.Drive.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.wipe(i)
	p.replaced = append(p.replaced, old)
	p.drives[i] = p.openScripted(i)
	var d drive.Drive = p.drives[i]
	for _, h := range p.holders {
		if h != nil {
			h.store.sets[0].slots[i].Store(&d)
		}
	}
}

// comeBack lets a drive take part again. Who was started without it has it join.
func (p *stagePlay) comeBack(i int) {
	d := p.drives[i]
	d.setAway(false)
	for _, h := range p.holders {
		if h == nil || h.store.sets[0].drive(i) == drive.Drive(d) {
			continue
		}
		if err := h.store.sets[0].join(i, d); err != nil {
			p.say("it cannot join: %v", err) // it knows a higher term
		}
	}
}

// readAll has every process read, and checks what it returns: 503, or not less than what was
// promised.
func (p *stagePlay) readAll() {
	for _, h := range p.holders {
		if h == nil {
			continue
		}
		since, body, err := p.promise, []byte(nil), error(nil)
		p.attempt(func() { body, err = h.get("k", 0, -1) }, func() { p.judge(since, body, err) },
			func() bool { return h.locks.contended() })
	}
}

// judge checks what a read has returned that began when since was promised.
func (p *stagePlay) judge(since *playedWrite, body []byte, err error) {
	switch {
	case errors.Is(err, object.ErrUnavailable):
		p.say("nobody can tell: %v", err)
		if p.decided {
			p.t.Errorf("all drives answer, and nobody can tell: %v", err)
		}
	case errors.Is(err, object.ErrNoSuchKey):
		p.say("absent")
		if since != nil && !since.purge {
			p.t.Errorf("absent, and %v was promised", since.order)
		}
	case err != nil:
		p.t.Error(err)
	default:
		number := int(body[0])
		p.say("write %d is read", number)
		if !bytes.Equal(body, bodyOf(number)) {
			p.t.Errorf("write %d is not what it was", number)
		}
		w := p.writes[number]
		if since != nil && w.order.Less(since.order) {
			p.t.Errorf("%v is read, and %v was promised", w.order, since.order)
		}
		p.promised(w)
	}
}

// round begins a fenced round about the newest write, whatever the code thinks of it.
func (p *stagePlay) round(h *playedHolder) {
	one, id := h.store.sets[0], p.writes[len(p.writes)-1].id
	one.commitTimeout = commitTimeoutDefault
	key, err := objectKey(p.bucket, "k"), error(nil)
	p.attempt(func() {
		var grant lock.Grant
		if grant, err = one.lock(context.Background(), key); err == nil {
			defer grant.Release()
			err = one.discard(context.Background(), key, id, grant)
		}
	}, func() { p.say("the round: %v", err) }, p.roundWaits)
}

// roundWaits reports whether all drives have been sent a fence, or a discard.
func (p *stagePlay) roundWaits() bool {
	for _, d := range p.drives {
		if d.find(func(r *drive.Record) bool {
			return r.Type == drive.TypeFence || r.Type == drive.TypeDiscard
		}) == nil {
			return false
		}
	}
	return true
}

// forget has the tombstone forgotten, after so long a time that the term was renewed.
func (p *stagePlay) forget(h *playedHolder) {
	one, key := h.store.sets[0], objectKey(p.bucket, "k")
	one.now = func() time.Time { return time.Now().Add(2 * termMax) }
	if err := one.renewTerm(); err != nil {
		p.t.Fatal(err)
	}
	grant, err := one.lock(context.Background(), key)
	if err != nil {
		p.t.Fatal(err)
	}
	defer grant.Release()
	answers := make([]answer, one.n)
	one.ask(context.Background(), key, one.unanswered(answers), answers, drive.LookupOptions{})
	v := judge(answers, one.quorum())
	if v.outcome != served || v.write.sample.Type != drive.TypePurge {
		p.cannot("the tombstone is not what is newest for certain")
		return
	}
	before := h.store.counters.forgotten.Load()
	one.forget(context.Background(), v.write, grant)
	if h.store.counters.forgotten.Load() == before {
		p.cannot("not every drive has it settled")
	}
}

// healAll has every process go through all registers.
func (p *stagePlay) healAll() {
	for _, h := range p.holders {
		if h != nil {
			p.attempt(func() { h.store.healers[0].runPass(context.Background()) }, func() {},
				func() bool { return h.locks.contended() || p.roundWaits() })
		}
	}
}

// attempt begins something, and returns when it has ended or has to wait for a later step.
func (p *stagePlay) attempt(do, judge func(), waits func() bool) {
	a := &attempt{ended: make(chan struct{}), judge: judge}
	go func() {
		do()
		close(a.ended)
		p.happen()
	}()
	p.until("something goes on", func() bool { return a.over() || waits() })
	if a.over() {
		judge()
		return
	}
	if p.say("it has to wait for a later step"); p.step.What == model.Read && !p.ending {
		p.cannot("the key is locked")
	}
	p.attempts = append(p.attempts, a)
}

func (a *attempt) over() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// waitAll waits for what had to wait.
func (p *stagePlay) waitAll() {
	for _, a := range p.attempts {
		<-a.ended
		a.judge()
	}
	p.attempts = nil
}

// until waits for what a condition says, which is asked again whenever something has happened.
func (p *stagePlay) until(what string, holds func() bool) {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for !holds() {
		select {
		case <-p.happened:
		case <-limit.C:
			p.t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func (p *stagePlay) happen() {
	select {
	case p.happened <- struct{}{}:
	default:
	}
}
