package erasure

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"flashstore/engine/drive"
)

// impatience is how long a commit waits for its quorum where drives hang on purpose.
const impatience = 20 * time.Millisecond

// The moods of a drive, beside good: what it does with commits, and with all else.
type mood uint8

const (
	good     mood = iota
	shut          // refuses commits
	hanging       // keeps commits for later, and answers none
	hangingT      // tombstones only
	hangingM      // manifests only
	hangingP      // parts only
	hangingS      // settles only
	losing        // takes commits, and answers some with an error
	away          // answers nothing
	flaky         // answers half of what it is asked
	moods
)

var errMoody = errors.New("the drive is in a bad mood")

// moody is a real drive with moods that change while it is used. What it keeps may arrive at any
// later time, in any order, or never.
type moody struct {
	drive.Drive
	mu     sync.Mutex
	random *rand.Rand
	mood   mood
	kept   []queuedCommit
	over   bool // the process has ended: nothing arrives any more
}

func (d *moody) set(m mood) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mood = m
}

// refuses reports whether a read or a commit meets no drive.
func (d *moody) refuses() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mood == away || d.mood == flaky && d.random.IntN(2) == 0
}

// Info says what a client of the drive would see: one that is away takes no writes.
func (d *moody) Info() drive.Info {
	info := d.Drive.Info()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mood == away && info.Health == drive.Online {
		info.Health = drive.ReadOnly
	}
	return info
}

// Commit passes r on, keeps or refuses it.
func (d *moody) Commit(r *drive.Record, done func(error)) {
	answer := done
	if answer == nil {
		answer = func(error) {}
	}
	d.mu.Lock()
	mood, over := d.mood, d.over
	lost := mood == losing && d.random.IntN(2) == 0
	held := mood == hanging || mood == hangingT && r.Type == drive.TypePurge ||
		mood == hangingM && r.Type == drive.TypeManifest || mood == hangingP && r.Type == drive.TypePart || mood == hangingS && r.Type == drive.TypeSettle
	if held && !over {
		d.kept = append(d.kept, queuedCommit{r, answer})
	}
	d.mu.Unlock()
	switch {
	case over || mood == shut || mood == away:
		answer(errMoody)
	case held:
	case lost:
		d.Drive.Commit(r, func(error) { answer(errMoody) })
	default:
		d.Drive.Commit(r, done)
	}
}

// release lets what was kept arrive, in the order in which it came or in any.
func (d *moody) release(shuffled bool) {
	for _, q := range d.take(shuffled) {
		d.Drive.Commit(q.record, q.done)
	}
}

// drop refuses what was kept; with over, and all that comes from now on.
func (d *moody) drop(over bool) {
	d.mu.Lock()
	d.over = d.over || over
	d.mu.Unlock()
	for _, q := range d.take(false) {
		q.done(errMoody)
	}
}

func (d *moody) take(shuffled bool) []queuedCommit {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := d.kept
	d.kept = nil
	if shuffled {
		d.random.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	}
	return kept
}

// Lookup is drive.Drive's.
func (d *moody) Lookup(ctx context.Context, key drive.Key,
	opt drive.LookupOptions) (drive.State, error) {
	if d.refuses() {
		return drive.State{}, drive.ErrOffline
	}
	return d.Drive.Lookup(ctx, key, opt)
}

// Scan is drive.Drive's.
func (d *moody) Scan(ctx context.Context, q drive.ScanQuery) (drive.ScanPage, error) {
	if d.refuses() {
		return drive.ScanPage{}, drive.ErrOffline
	}
	return d.Drive.Scan(ctx, q)
}

// Read is drive.Drive's.
func (d *moody) Read(ctx context.Context, e *drive.Entry, dst [][]byte, offset int64) error {
	if d.refuses() {
		return drive.ErrOffline
	}
	return d.Drive.Read(ctx, e, dst, offset)
}

// Pin passes on what embedding the interface hides.
func (d *moody) Pin() func() { return d.Drive.(drive.Pinner).Pin() }
