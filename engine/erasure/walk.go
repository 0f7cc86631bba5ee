package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// walkQuery selects registers.
type walkQuery struct {
	space  drive.Space
	bucket drive.BucketID
	prefix string
	after  string // exclusive
	hint   int    // how many registers the caller is likely to want
}

// visit is called for each live register in byte order. A skipTo that is not "" leaves out all
// names up to it; more false ends the walk.
type visit func(name string, w *write) (skipTo string, more bool, err error)

// cursor is the scan of one drive.
type cursor struct {
	position int
	page     []drive.Register
	after    string
	last     bool  // the drive has no further page
	err      error // the drive does not answer
}

// walk merges the scans of all drives and applies rule 4 to each register: what is not on the
// write quorum is decided before it is shown.
func (s *Store) walk(ctx context.Context, q walkQuery, each visit) error {
	cursors := make([]cursor, s.n)
	for i := range cursors {
		cursors[i] = cursor{position: i, after: q.after}
	}
	for {
		name, found, err := s.advance(ctx, q, cursors)
		if err != nil || !found {
			return err
		}
		w, err := s.judgeNamed(ctx, q, cursors, name)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		skipTo, more, err := each(name, w)
		if err != nil || !more {
			return err
		}
		for i := range cursors {
			cursors[i].skip(skipTo)
		}
	}
}

// advance refills the cursors and finds the lowest name among them.
func (s *Store) advance(ctx context.Context, q walkQuery, cursors []cursor) (string, bool,
	error) {
	name, found, silent := "", false, 0
	for i := range cursors {
		c := &cursors[i]
		s.refill(ctx, q, c)
		switch {
		case c.err != nil:
			silent++
		case len(c.page) > 0 && (!found || c.page[0].Key.Name < name):
			name, found = c.page[0].Key.Name, true
		}
	}
	if silent >= s.w {
		return "", false, fmt.Errorf("%w: %d of %d drives do not list", object.ErrUnavailable,
			silent, s.n)
	}
	return name, found, nil
}

func (s *Store) refill(ctx context.Context, q walkQuery, c *cursor) {
	d := s.cfg.Drives[c.position]
	if d == nil {
		c.err = errMissing
	}
	if c.err != nil || len(c.page) > 0 || c.last {
		return
	}
	page, err := d.Scan(ctx, drive.ScanQuery{Space: q.space, Bucket: q.bucket,
		Prefix: q.prefix, After: c.after, Max: min(max(q.hint+1, 16), 1024)})
	c.page, c.after, c.last, c.err = page.Registers, page.Next, page.Next == "", err
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

// judgeNamed takes name off the cursors and judges it. A cursor that stands past name says that
// its drive has nothing there.
func (s *Store) judgeNamed(ctx context.Context, q walkQuery, cursors []cursor,
	name string) (*write, error) {
	answers := make([]answer, s.n)
	for i := range cursors {
		c, a := &cursors[i], &answers[i]
		a.answered, a.err, a.mark = c.err == nil, c.err, s.mark(i)
		if a.answered && len(c.page) > 0 && c.page[0].Key.Name == name {
			a.state = c.page[0].State
			c.page = c.page[1:]
		}
	}
	if v := judge(answers, s.k, s.w); v.final() {
		return v.live(), nil
	}
	key := drive.Key{Space: q.space, Bucket: q.bucket, Name: name}
	grant, err := s.cfg.Locks.Lock(ctx, lockID(key))
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	return s.resolveHeld(ctx, key, grant)
}
