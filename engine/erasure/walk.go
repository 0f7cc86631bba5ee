package erasure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// walkQuery selects registers.
type walkQuery struct {
	space  drive.Space
	bucket drive.BucketID
	prefix string
	after  string // exclusive
	hint   int    // how many registers the caller is likely to want
	// markers: delete markers are live.
	markers bool
	// held is the lock of all registers that are met, if the caller has it.
	held *lock.Grant
	// certain, with held: nothing older than what the caller commits next can be shown any more
	// (see Store.certainHeld).
	certain bool
	// every asks all drives, and keeps what they say apart from what comes next. Whoever acts upon
	// what a walk did not meet needs that: a write that few drives hold may yet be decided.
	every bool
}

// visit is called for each live register in byte order. w is valid until it returns. A skipTo that
// is not "" leaves out all names up to it; more false ends the walk.
type visit func(name string, w *write) (skipTo string, more bool, err error)

// setWalk merges the scans of drives of a set: of k complete ones, which meet every acknowledged
// write as those do that a GET asks, and of all once one of them does not answer. What they
// cannot decide is looked up on the others.
type setWalk struct {
	set     *set
	query   walkQuery
	cursors []cursor
	idle    bool   // some cursors are
	pages   int    // that were read
	passed  string // what is up to it is done
	name    string // the live register that is next
	write   *write // nil behind the last
	answers []answer
	writes  writeSet
}

// cursor is the scan of one drive.
type cursor struct {
	position int
	page     []drive.Register
	after    string
	last     bool  // the drive has no further page
	idle     bool  // the drive is not asked
	err      error // the drive does not answer
	unsure   bool  // what it does not list may be acknowledged all the same: see answer.mark
}

func newSetWalk(s *set, q walkQuery) *setWalk {
	w := &setWalk{set: s, query: q, cursors: make([]cursor, s.n), passed: q.after}
	for i := range w.cursors {
		w.cursors[i] = cursor{position: i, after: q.after}
	}
	if !q.every {
		w.choose()
	}
	return w
}

// choose leaves out all drives but k that are complete, others in each walk, if there are so many.
func (w *setWalk) choose() {
	s, first := w.set, rand.IntN(w.set.n)
	chosen := make([]int, 0, s.k)
	for i := 0; i < s.n && len(chosen) < s.k; i++ {
		at := (first + i) % s.n
		if s.usable(at) && s.mark(at) == (drive.Order{}) && !s.patience.slow(at) {
			chosen = append(chosen, at)
		}
	}
	if len(chosen) < s.k || s.k == s.n {
		return
	}
	w.idle = true
	for i := range w.cursors {
		w.cursors[i].idle = !slices.Contains(chosen, i)
	}
}

// wake asks the other drives too, from here on.
func (w *setWalk) wake() {
	w.idle = false
	for i := range w.cursors {
		if c := &w.cursors[i]; c.idle {
			c.idle, c.after = false, w.passed
		}
	}
}

// walker merges the walks of some sets; each register lives in one of them.
type walker struct {
	sets  []*set
	query walkQuery
	walks []*setWalk
	done  string // all names up to it were met
}

func newWalker(ctx context.Context, sets []*set, q walkQuery) (*walker, error) {
	w := &walker{sets: sets, query: q, walks: make([]*setWalk, len(sets)), done: q.after}
	return w, w.restart(ctx)
}

// restart reads anew what comes next, as it is now.
func (w *walker) restart(ctx context.Context) error {
	q := w.query
	q.after = w.done
	for i, s := range w.sets {
		w.walks[i] = newSetWalk(s, q)
		if err := w.walks[i].advance(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pages counts what was read from drives since the last restart.
func (w *walker) pages() (n int) {
	for _, one := range w.walks {
		n += one.pages
	}
	return n
}

// at is the walk whose register is the next one, nil behind the last.
func (w *walker) at() (first *setWalk) {
	for _, one := range w.walks {
		if one.write != nil && (first == nil || one.name < first.name) {
			first = one
		}
	}
	return first
}

// name is that of the next register, "" behind the last.
func (w *walker) name() string {
	if first := w.at(); first != nil {
		return first.name
	}
	return ""
}

// advance leaves the register behind that is the next one, and all names up to limit.
func (w *walker) advance(ctx context.Context, limit string) error {
	if first := w.at(); first != nil {
		w.done = first.name
		if err := first.advance(ctx); err != nil {
			return err
		}
	}
	return w.skip(ctx, limit)
}

// skip leaves out the names up to limit.
func (w *walker) skip(ctx context.Context, limit string) error {
	w.done = max(w.done, limit)
	for _, one := range w.walks {
		if err := one.skip(ctx, limit); err != nil {
			return err
		}
	}
	return nil
}

// walk visits the registers of all sets.
func (s *Store) walk(ctx context.Context, q walkQuery, each visit) error {
	return walkSets(ctx, s.sets, q, each)
}

func walkSets(ctx context.Context, sets []*set, q walkQuery, each visit) error {
	w, err := newWalker(ctx, sets, q)
	if err != nil {
		return err
	}
	for at := w.at(); at != nil; at = w.at() {
		skipTo, more, err := each(at.name, at.write)
		if err != nil || !more {
			return err
		}
		if err := w.advance(ctx, skipTo); err != nil {
			return err
		}
	}
	return nil
}

// advance finds the next live register. Rule 4 is applied to each: what is not on the write quorum
// is decided before it is shown.
func (w *setWalk) advance(ctx context.Context) error {
	for w.write = nil; w.write == nil; {
		name, found, err := w.next(ctx)
		if err != nil || !found {
			return err
		}
		w.name = name
		if w.write, err = w.judge(ctx, name, w.take(name)); err != nil {
			return err
		}
	}
	return nil
}

// skip leaves out the names up to limit.
func (w *setWalk) skip(ctx context.Context, limit string) error {
	if limit == "" || w.write == nil {
		return nil
	}
	w.passed = max(w.passed, limit)
	for i := range w.cursors {
		w.cursors[i].skip(limit)
	}
	if w.name > limit {
		return nil
	}
	return w.advance(ctx)
}

// next refills the cursors and finds the lowest name among them.
func (w *setWalk) next(ctx context.Context) (string, bool, error) {
	name, found, silent := "", false, 0
	for i := range w.cursors {
		c := &w.cursors[i]
		w.refill(ctx, c)
		if c.err != nil || c.unsure {
			if w.idle {
				w.wake()
				return w.next(ctx)
			}
			silent++
		}
		if c.err == nil && len(c.page) > 0 && (!found || c.page[0].Key.Name < name) {
			name, found = c.page[0].Key.Name, true
		}
	}
	if silent >= w.set.w {
		return "", false, fmt.Errorf("%w: %d of %d drives do not list all they should",
			object.ErrUnavailable, silent, w.set.n)
	}
	return name, found, nil
}

func (w *setWalk) refill(ctx context.Context, c *cursor) {
	if c.idle {
		return
	}
	d := w.set.drive(c.position)
	if d == nil {
		c.err = errMissing
	}
	if c.err != nil || len(c.page) > 0 || c.last {
		return
	}
	if w.set.patience.hangs(c.position) {
		c.err = errHangs
		return
	}
	w.pages++
	query := drive.ScanQuery{Space: w.query.space, Bucket: w.query.bucket, Prefix: w.query.prefix,
		After: c.after, Max: min(max(w.query.hint+1, 16), 1024)}
	together(&w.set.patience, []int{c.position}, scanPatience*w.set.patience.hangAfter,
		func(int) (r scanned) {
			r.page, r.err = d.Scan(ctx, query)
			return r
		}, func(_ int, r scanned) {
			c.page, c.after, c.last, c.err = r.page.Registers, r.page.Next, r.page.Next == "", r.err
		}, func(int) { c.err = errHangs })
	c.unsure = w.set.mark(c.position) != (drive.Order{})
}

// scanPatience is how many times longer a page may take than a register.
const scanPatience = 5

// scanned is a page of a drive.
type scanned struct {
	page drive.ScanPage
	err  error
}

// skip drops the names up to limit.
func (c *cursor) skip(limit string) {
	for len(c.page) > 0 && c.page[0].Key.Name <= limit {
		c.page = c.page[1:]
	}
	if len(c.page) == 0 && !c.last {
		c.after = max(c.after, limit)
	}
}

// take takes name off the cursors, and returns what the drives say of it. A cursor that stands past
// name says that its drive has nothing there.
func (w *setWalk) take(name string) []answer {
	w.passed = name
	answers := w.answers
	if answers == nil || w.query.every {
		answers = make([]answer, w.set.n)
		w.answers = answers
	}
	clear(answers)
	for i := range w.cursors {
		c, a := &w.cursors[i], &answers[i]
		if c.idle {
			continue
		}
		a.answered, a.err, a.mark = c.err == nil, c.err, w.set.mark(i)
		if a.answered && len(c.page) > 0 && c.page[0].Key.Name == name {
			a.state = c.page[0].State
			c.page = c.page[1:]
		}
	}
	return answers
}

// judge decides what is at name; nil if nobody would see it.
func (w *setWalk) judge(ctx context.Context, name string, answers []answer) (*write, error) {
	s := w.set
	key := drive.Key{Space: w.query.space, Bucket: w.query.bucket, Name: name}
	if w.query.certain {
		newest, err := s.certainHeld(ctx, key, *w.query.held)
		return w.live(newest), err
	}
	w.writes.reset()
	if v := judgeWrites(w.writes.of(answers), answers, s.quorum()); v.final() {
		return w.live(v.write), nil
	}
	w.pages++ // what it is is read later than its page
	if w.idle {
		s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
		if v := judge(answers, s.quorum()); v.final() {
			return w.live(v.write), nil
		}
	}
	if w.query.held != nil {
		newest, err := s.newestHeld(ctx, key, *w.query.held)
		return w.live(newest), err
	}
	grant, err := s.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	newest, err := s.newestHeld(ctx, key, grant)
	return w.live(newest), err
}

// live is what is to be seen of the newest state of a register.
func (w *setWalk) live(newest *write) *write {
	if w.query.markers && newest != nil && newest.sample.Type == drive.TypeMarker {
		return newest
	}
	return content(newest)
}
