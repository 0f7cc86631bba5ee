package erasure

import (
	"context"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// admit checks a condition on an object as the newest state of its register, which it decides first
// where that is open. The caller holds the register's lock, and commits what is guarded under the
// same grant: so nothing comes between. A write that is passed over here, since too few drives
// hold it, is of a lower order than what is committed now, whenever it arrives.
// Errors: those of object.Condition, object.ErrUnavailable.
func (a address) admit(ctx context.Context, only *object.Condition, grant lock.Grant) error {
	if only.None() {
		return nil
	}
	w, err := a.set.resolveHeld(ctx, a.key, grant)
	if err != nil {
		return err
	}
	if w == nil {
		return only.Check(false, "")
	}
	info, err := recordInfo(&w.sample.Record)
	if err != nil {
		return err
	}
	return only.Check(true, info.ETag)
}

// publishIf is set.publish of what is guarded by a condition.
func (a address) publishIf(ctx context.Context, only *object.Condition, r *drive.Record,
	g *staged) error {
	if only.None() {
		return a.set.publish(ctx, r, g)
	}
	grant, err := a.set.lock(ctx, a.key)
	if err != nil {
		g.abort()
		return err
	}
	defer grant.Release()
	if err := a.admit(ctx, only, grant); err != nil {
		g.abort()
		return err
	}
	a.set.stamp(r, grant)
	return a.set.commit(g.records(r), settleRecord(r), g.committed)
}
