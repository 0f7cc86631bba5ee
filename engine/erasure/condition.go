package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// admit checks a condition on an object. The caller holds the register's lock, and commits what is
// guarded under the same grant. Errors: those of object.Condition, object.ErrUnavailable.
func (s *Store) admit(ctx context.Context, at address, only *object.Condition,
	grant lock.Grant) error {
	if only.None() {
		return nil
	}
	w, err := s.certainHeld(ctx, at, grant)
	if err != nil {
		return err
	}
	if w == nil || w.sample.Type == drive.TypePurge {
		return only.Check(false, "")
	}
	info, err := recordInfo(&w.sample.Record)
	if err != nil {
		return err
	}
	return only.Check(true, info.ETag)
}

// certainHeld is newestHeld that also makes sure that nothing older than what the caller
// commits next can be shown any more. Whoever reads may pass over a write that too few drives
// hold: if it turns up later, it took effect later. But what was built on the state below it
// would then have been built on sand: were it not acknowledged either, some would see the one,
// and others after them the other. Errors: object.ErrUnavailable also where an earlier write may
// yet reach k drives.
func (s *Store) certainHeld(ctx context.Context, at address, grant lock.Grant) (*write, error) {
	if s.late.has(at.key) {
		return nil, fmt.Errorf("%w: an earlier write of %s is still on its way",
			object.ErrUnavailable, at.key.Name)
	}
	one := at.set
	for range 2 {
		answers := make([]answer, one.n)
		one.ask(ctx, at.key, one.unanswered(answers), answers, drive.LookupOptions{})
		v := judge(answers, one.quorum())
		if v.outcome == served || v.outcome == absent {
			if one.mayShow(answers, v.write) {
				return nil, fmt.Errorf("%w: an earlier write of %s may be on drives that are silent: %s",
					object.ErrUnavailable, at.key.Name, silence(answers))
			}
			return v.write, nil
		}
		if _, err := one.newestHeld(ctx, at.key, grant); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s does not stay decided", object.ErrUnavailable, at.key.Name)
}

// mayShow reports whether a write above newest, which is served (nil: nothing is), could be
// decided once the drives answer that are silent now: seen on too few, or not at all.
func (s *set) mayShow(answers []answer, newest *write) bool {
	silent, base := 0, drive.Order{}
	if newest != nil {
		base = newest.order
	}
	for i := range answers {
		if !answers[i].answered { // one below its mark has no write that it does not report
			silent++
		}
	}
	if silent >= s.k {
		return true
	}
	for _, w := range writes(answers) {
		if base.Less(w.order) && w.copies+silent >= w.quorum(s.quorum()).k {
			return true
		}
	}
	return false
}

// commitIf commits r as the newest write of an object, with the shards of g, or whole where g is
// nil, if a condition holds. An error before anything was sent gives the shards back.
func (s *Store) commitIf(ctx context.Context, at address, only *object.Condition, r *drive.Record,
	g *staged) error {
	grant, err := at.set.lock(ctx, at.key)
	if err == nil {
		defer grant.Release()
		err = s.admit(ctx, at, only, grant)
	}
	if err != nil {
		if g != nil {
			g.abort()
		}
		return err
	}
	f := &flight{late: &s.late, key: at.key}
	spread, w := at.set.everywhere, at.set.w
	if g != nil {
		spread, w, f.done = g.records, g.quorum.w, g.committed
	}
	if err = at.set.publish(r, grant, spread, w, f.landed); err != nil {
		f.lost()
	}
	return err
}
