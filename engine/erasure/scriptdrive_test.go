package erasure

import (
	"context"
	"math"
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/model"
	"flashstore/engine/lock"
)

// watchedLocks tell when somebody has to wait for a lock.
type watchedLocks struct {
	lock.Locker
	play    *stagePlay
	mu      sync.Mutex
	users   map[lock.ID]int // holders and who waits
	waiting int
}

// Lock waits for id.
func (l *watchedLocks) Lock(ctx context.Context, id lock.ID) (lock.Grant, error) {
	l.mu.Lock()
	wait := l.users[id] > 0
	if l.users[id]++; wait {
		l.waiting++
	}
	l.mu.Unlock()
	l.play.happen()
	grant, err := l.Locker.Lock(ctx, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait {
		l.waiting--
	}
	if err != nil {
		l.users[id]--
		return grant, err
	}
	return lock.Grant{Sequence: grant.Sequence, Release: func() {
		l.mu.Lock()
		l.users[id]--
		l.mu.Unlock()
		grant.Release()
	}}, nil
}

func (l *watchedLocks) contended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting > 0
}

// scripted is a real drive that takes what is about objects when the script says so.
type scripted struct {
	drive.Drive
	play   *stagePlay
	mu     sync.Mutex
	away   bool
	holds  bool // until the end
	queued []queuedCommit
	late   bool     // answers wait
	unsaid []func() // answers that do
}

// queuedCommit is one on its way to the drive.
type queuedCommit struct {
	record *drive.Record
	done   func(error)
}

// Commit queues what the script speaks of. The rest arrives at once: of other registers, terms,
// settles in worlds where they do, fences and discards of scripts without such, and what rolls a
// write forward, which has a token above its order and for which the script has a read wait.
func (d *scripted) Commit(r *drive.Record, done func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.holds || r.Key.Space != drive.SpaceObject || !d.play.speaksOf(r) && !d.away {
		d.Drive.Commit(r, done)
		return
	}
	d.queued = append(d.queued, queuedCommit{r, done})
	d.play.happen()
}

func (p *stagePlay) speaksOf(r *drive.Record) bool {
	switch r.Type {
	case drive.TypeSettle:
		return !model.Worlds()[p.script.World].Prompt
	case drive.TypeFence:
		return p.script.Has(model.Fence)
	case drive.TypeDiscard:
		return p.script.Has(model.Discard)
	}
	return r.Token == r.Order
}

func isFence(r *drive.Record) bool { return r.Type == drive.TypeFence }

// find is the first record on its way that is meant.
func (d *scripted) find(meant func(*drive.Record) bool) *drive.Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.queued {
		if meant(q.record) {
			return q.record
		}
	}
	return nil
}

// deliver lets the drive take the first record on its way that is meant, if there is one.
func (d *scripted) deliver(meant func(*drive.Record) bool) (err error, found bool) {
	d.mu.Lock()
	var taken queuedCommit
	for i, q := range d.queued {
		if meant(q.record) {
			taken, found = q, true
			d.queued = append(d.queued[:i:i], d.queued[i+1:]...)
			break
		}
	}
	d.mu.Unlock()
	if !found {
		return nil, false
	}
	arrived := make(chan error, 1)
	d.Drive.Commit(taken.record, func(err error) {
		if taken.done != nil {
			d.say(func() { taken.done(err) })
		}
		arrived <- err
	})
	if taken.record.Type == drive.TypeSettle { // it would wait for a batch to ride in
		d.Drive.Commit(&drive.Record{Type: drive.TypeFence, Token: drive.Order{Term: d.Info().Term},
			Key: drive.Key{Space: drive.SpaceDocument, Name: "x"}}, func(error) {})
	}
	return <-arrived, true
}

// answersLate: what the drive answers from now on waits.
func (d *scripted) answersLate(late bool) {
	d.mu.Lock()
	d.late = late
	d.mu.Unlock()
}

func (d *scripted) say(answer func()) {
	d.mu.Lock()
	if d.late {
		d.unsaid = append(d.unsaid, answer)
		answer = func() {}
	}
	d.mu.Unlock()
	answer()
}

// answer gives the answers that wait.
func (d *scripted) answer() {
	d.mu.Lock()
	unsaid := d.unsaid
	d.late, d.unsaid = false, nil
	d.mu.Unlock()
	for _, answer := range unsaid {
		answer()
	}
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

// isBlank: it has taken no term yet.
func (d *scripted) isBlank() bool { return d.Drive.Info().CompleteFrom.Term == math.MaxUint64 }

// Info is that of the drive, of which one that is away keeps what it is.
func (d *scripted) Info() drive.Info {
	info := d.Drive.Info()
	if d.isAway() {
		info.Health = drive.ReadOnly
	}
	return info
}

// Lookup is not answered by a drive that is away, nor by one whose fence is on its way: what it
// says to the round comes behind that.
func (d *scripted) Lookup(ctx context.Context, key drive.Key,
	opt drive.LookupOptions) (drive.State, error) {
	if d.isAway() || !d.play.judged.Load() && d.find(isFence) != nil {
		return drive.State{}, drive.ErrOffline
	}
	return d.Drive.Lookup(ctx, key, opt)
}

// Read is not answered by a drive that is away.
func (d *scripted) Read(ctx context.Context, e *drive.Entry, dst [][]byte, offset int64) error {
	if d.isAway() {
		return drive.ErrOffline
	}
	return d.Drive.Read(ctx, e, dst, offset)
}

// Scan is not answered by a drive that is away.
func (d *scripted) Scan(ctx context.Context, q drive.ScanQuery) (drive.ScanPage, error) {
	if d.isAway() {
		return drive.ScanPage{}, drive.ErrOffline
	}
	return d.Drive.Scan(ctx, q)
}

// Pin passes on what embedding the interface hides.
func (d *scripted) Pin() func() { return d.Drive.(drive.Pinner).Pin() }
