package erasure

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"flashstore/arena"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure/model"
	lockslocal "flashstore/engine/lock/local"
	"flashstore/engine/object"
)

// giveUpAfter is how long a write waits that is to be given up.
const giveUpAfter = 50 * time.Millisecond

// scripted is a real drive that takes commits and settles of one key when the script says so.
type scripted struct {
	drive.Drive
	mu     sync.Mutex
	away   bool
	holds  bool // from when the script begins
	queued []queuedCommit
}

// queuedCommit is one on its way to the drive.
type queuedCommit struct {
	record *drive.Record
	done   func(error)
}

// Commit queues a new write or a settle. What rolls a write forward, which has a token above its
// order, passes: the script has a read wait for that.
func (d *scripted) Commit(r *drive.Record, done func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.holds || r.Type != drive.TypeSettle && r.Token != r.Order && !d.away:
		d.Drive.Commit(r, done)
	default:
		d.queued = append(d.queued, queuedCommit{r, done})
	}
}

// deliver lets the drive take what of a kind is about a write, if it was sent.
func (d *scripted) deliver(settle bool, id drive.WriteID) {
	d.mu.Lock()
	var taken *queuedCommit
	for i, q := range d.queued {
		if (q.record.Type == drive.TypeSettle) == settle && q.record.WriteID == id {
			taken = &q
			d.queued = append(d.queued[:i:i], d.queued[i+1:]...)
			break
		}
	}
	d.mu.Unlock()
	if taken == nil {
		return
	}
	arrived := make(chan error, 1)
	d.Drive.Commit(taken.record, func(err error) {
		if taken.done != nil {
			taken.done(err)
		}
		arrived <- err
	})
	<-arrived
}

// refuse answers all that was not delivered, at the end.
func (d *scripted) refuse() {
	d.mu.Lock()
	queued := d.queued
	d.queued, d.holds = nil, false
	d.mu.Unlock()
	for _, q := range queued {
		if q.done != nil {
			q.done(errShut)
		}
	}
}

func (d *scripted) setAway(away bool) {
	d.mu.Lock()
	d.away = away
	d.mu.Unlock()
}

func (d *scripted) isAway() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.away
}

func (d *scripted) Info() drive.Info {
	info := d.Drive.Info()
	if d.isAway() {
		info.Health = drive.ReadOnly
	}
	return info
}

func (d *scripted) Lookup(ctx context.Context, key drive.Key,
	opt drive.LookupOptions) (drive.State, error) {
	if d.isAway() {
		return drive.State{}, drive.ErrOffline
	}
	return d.Drive.Lookup(ctx, key, opt)
}

func (d *scripted) Read(ctx context.Context, e *drive.Entry, dst [][]byte, offset int64) error {
	if d.isAway() {
		return drive.ErrOffline
	}
	return d.Drive.Read(ctx, e, dst, offset)
}

func (d *scripted) Pin() func() { return d.Drive.(drive.Pinner).Pin() }

// stagePlay is where a script is played: a store over scripted drives.
type stagePlay struct {
	*fixture
	drives  []*scripted
	writes  []*playedWrite
	promise int // the newest write that was acknowledged or read, plus 1
}

// playedWrite is a put or purge of the script.
type playedWrite struct {
	id    drive.WriteID
	purge bool
	acks  int
	ended chan error
	over  bool
}

// TestCounterexamples plays what breaks the promise where a rule is left out against the code,
// which has it: nobody reads less than what was promised.
func TestCounterexamples(t *testing.T) {
	played := 0
	for _, need := range model.Needs() {
		world := model.Worlds()[need.World]
		_, found, err := need.Explore(t.Context())
		if err != nil || found == nil {
			t.Fatalf("%v: %v, %v", need.Rule, found, err)
		}
		if !playable(found.Script) {
			continue
		}
		played++
		t.Run(need.Rule.String(), func(t *testing.T) {
			t.Logf("%v", found)
			for _, places := range permutations(world.Drives) { // drives are not asked alike
				p := newStagePlay(t, world.Drives, world.Drives-world.Data)
				for i, e := range found.Script {
					e.Drive = places[e.Drive]
					p.play(e, found.Script[i:])
				}
				p.end()
				p.read() // once more, behind all of it
			}
		})
	}
	if played < 7 {
		t.Errorf("%d scripts can be played", played)
	}
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

func playable(script []model.Event) bool {
	for _, e := range script {
		if e.What == model.Other {
			return false
		}
	}
	return true
}

func newStagePlay(t *testing.T, n, m int) *stagePlay {
	p := &stagePlay{fixture: newFixture(t, n, m)}
	p.stop()
	drives := make([]drive.Drive, n)
	p.fixture.drives = make([]*gated, n)
	for i := range n {
		d, err := local.Open(local.Config{Path: p.path(i), Engine: p.io,
			InlineMax: arena.BlockBytes, LogSegmentBytes: 4 << 20,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		s := &scripted{Drive: d}
		p.drives = append(p.drives, s)
		p.fixture.drives[i] = &gated{Drive: d} // closes it
		drives[i] = s
	}
	s, err := New(Config{Sets: [][]drive.Drive{drives}, Parity: m, SIMD: "auto", Allocator: p.memory,
		Locks: lockslocal.New(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.store = s
	p.bucket("bucket")
	p.awaitSettles()
	for _, d := range p.drives {
		d.mu.Lock()
		d.holds = true
		d.mu.Unlock()
	}
	return p
}

// play does what an event says; rest is the script from there on.
func (p *stagePlay) play(e model.Event, rest []model.Event) {
	switch e.What {
	case model.Put, model.Purge:
		p.begin(e.What == model.Purge, rest)
	case model.Commit, model.Settle:
		w := p.writes[e.Write]
		p.drives[e.Drive].deliver(e.What == model.Settle, w.id)
		if e.What == model.Commit {
			w.acks++
		}
	case model.Acknowledge:
		if w := p.writes[e.Write]; w.acks >= p.set().w {
			if err := p.over(e.Write); err != nil {
				p.t.Fatalf("write %d on the quorum: %v", e.Write, err)
			}
		}
	case model.GiveUp:
		_ = p.over(e.Write)
	case model.Read:
		p.read()
	case model.Away, model.Blank:
		p.drives[e.Drive].setAway(true)
	case model.Back:
		p.drives[e.Drive].setAway(false)
	}
}

// end lets what was not delivered fail, and waits for writes that nobody gave up.
func (p *stagePlay) end() {
	for _, d := range p.drives {
		d.refuse()
	}
	for i, w := range p.writes {
		if !w.over {
			p.over(i)
		}
	}
}

// over waits for the answer to a write, which is a promise if it is no error.
func (p *stagePlay) over(number int) error {
	w := p.writes[number]
	err := <-w.ended
	if w.over = true; err == nil {
		p.promise = max(p.promise, number+1)
	}
	return err
}

// begin starts a write, and returns when all drives have been sent it.
func (p *stagePlay) begin(purge bool, rest []model.Event) {
	w := &playedWrite{purge: purge, ended: make(chan error, 1)}
	number := len(p.writes)
	p.writes = append(p.writes, w)
	p.set().commitTimeout = commitTimeoutDefault
	for _, e := range rest {
		if e.What == model.GiveUp && e.Write == number {
			p.set().commitTimeout = giveUpAfter
		}
	}
	before := make([]int, len(p.drives))
	for i, d := range p.drives {
		d.mu.Lock()
		before[i] = len(d.queued)
		d.mu.Unlock()
	}
	go func() {
		if purge {
			w.ended <- p.store.DeleteObject(context.Background(), "bucket", "k")
			return
		}
		w.ended <- p.put("k", bodyOf(number))
	}()
	for deadline := time.Now().Add(10 * time.Second); w.id == (drive.WriteID{}); {
		if time.Now().After(deadline) {
			p.t.Fatalf("write %d is not sent", number)
		}
		time.Sleep(time.Millisecond) // the drives are told on another goroutine
		w.id = p.newest(before)
	}
}

// newest is the write that all drives which are here have been sent since.
func (p *stagePlay) newest(before []int) (id drive.WriteID) {
	for i, d := range p.drives {
		if d.isAway() {
			continue
		}
		d.mu.Lock()
		fresh := d.queued[min(before[i], len(d.queued)):]
		id = drive.WriteID{}
		for _, q := range fresh {
			if q.record.Type != drive.TypeSettle {
				id = q.record.WriteID
			}
		}
		d.mu.Unlock()
		if id == (drive.WriteID{}) {
			return id
		}
	}
	return id
}

// read checks what a read returns: 503, or not less than what was promised.
func (p *stagePlay) read() {
	body, err := p.get("k", 0, -1)
	switch {
	case errors.Is(err, object.ErrUnavailable):
	case errors.Is(err, object.ErrNoSuchKey):
		if p.promise > 0 && !p.writes[p.promise-1].purge {
			p.t.Errorf("absent, and write %d was promised", p.promise-1)
		}
	case err != nil:
		p.t.Error(err)
	default:
		number := int(binary.BigEndian.Uint32(body))
		if fmt.Sprint(body) != fmt.Sprint(bodyOf(number)) {
			p.t.Errorf("write %d is not what it was", number)
		}
		if number+1 < p.promise {
			p.t.Errorf("write %d is read, and write %d was promised", number, p.promise-1)
		}
		p.promise = max(p.promise, number+1)
	}
}

// bodyOf is what a write of the script writes.
func bodyOf(number int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(number)), pattern(3000, uint64(number))...)
}
