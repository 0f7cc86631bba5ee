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
	if content(w) == nil {
		return only.Check(false, "")
	}
	info, err := recordInfo(&w.sample.Record)
	if err != nil {
		return err
	}
	return only.Check(true, info.ETag)
}

// admitNewest checks a condition on the newest version of a key. The caller holds its lock and
// has h with it, from lockKey.
func (s *Store) admitNewest(ctx context.Context, b *bucket, key object.Key,
	only *object.Condition, h *keyHead, grant lock.Grant) error {
	if only.None() {
		return nil
	}
	if b.versioned() {
		return s.admitVersion(ctx, b, key, only, h, grant)
	}
	return s.admit(ctx, s.objectAt(b, key), only, grant)
}

// admitVersion is admitNewest where a key may have versions. A version that was written, and its
// head was not, counts: if the condition does not hold of it, it has been seen, and the head is
// moved.
func (s *Store) admitVersion(ctx context.Context, b *bucket, key object.Key,
	only *object.Condition, h *keyHead, grant lock.Grant) error {
	for _, at := range []address{s.headAt(b, key), s.objectAt(b, key)} {
		if _, err := s.certainHeld(ctx, at, grant); err != nil {
			return err
		}
	}
	newest, err := s.newestBut(ctx, b, key, nil, true, grant)
	if err != nil {
		return err
	}
	if newest == nil {
		return only.Check(false, "")
	}
	fails := only.Check(!newest.info.Marker, newest.info.ETag)
	if fails == nil {
		return nil
	}
	if err := s.raiseHead(b, key, h, newest, grant); err != nil {
		return err
	}
	return fails
}

// certainHeld is newestHeld that also makes sure that nothing older than what the caller
// commits next can be shown any more. Whoever reads may pass over a write that too few drives
// hold: if it turns up later, it took effect later. But what was built on the state below it
// would then have been built on sand: were it not acknowledged either, some would see the one,
// and others after them the other. Errors: object.ErrUnavailable also where an earlier write may
// yet reach k drives.
func (s *Store) certainHeld(ctx context.Context, at address, grant lock.Grant) (*write, error) {
	if s.late.has(owner(at.key)) {
		return nil, fmt.Errorf("%w: an earlier write of %s is still on its way",
			object.ErrUnavailable, keyText(&at.key))
	}
	return at.set.certainHeld(ctx, at.key, grant)
}

// certainHeld is that of Store, of what the drives hold.
func (s *set) certainHeld(ctx context.Context, key drive.Key, grant lock.Grant) (*write, error) {
	for range 2 {
		answers := make([]answer, s.n)
		s.ask(ctx, key, s.unanswered(answers), answers, drive.LookupOptions{})
		v := judge(answers, s.quorum())
		if v.outcome == served || v.outcome == absent {
			if s.mayShow(answers, v.write) {
				return nil, fmt.Errorf("%w: an earlier write of %s may be on drives that are silent: %s",
					object.ErrUnavailable, keyText(&key), silence(answers))
			}
			return v.write, nil
		}
		if _, err := s.newestHeld(ctx, key, grant); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s does not stay decided", object.ErrUnavailable, keyText(&key))
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
