package erasure

import (
	"context"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// commitObject commits r, which has no key yet, with the shards of g, or whole where g is nil, as
// the newest version of a key if a condition holds; it returns the id of the version. An error
// before anything was sent gives the shards back.
func (s *Store) commitObject(ctx context.Context, b *bucket, key object.Key,
	only *object.Condition, r *drive.Record, g *staged) (object.VersionID, error) {
	at := s.objectAt(b, key)
	r.Key = at.key
	grant, h, err := s.lockKey(ctx, b, key)
	if err == nil {
		defer grant.Release()
		err = s.admitNewest(ctx, b, key, only, &h, grant)
	}
	if err != nil {
		g.give()
		return "", err
	}
	switch b.settings.Load().Versioning {
	case object.Enabled:
		return s.commitVersion(b, key, r, g, grant)
	case object.Suspended:
		return object.NullVersion, s.commitNull(ctx, b, key, r, g, grant)
	}
	if err = s.publishObject(at, r, g, grant, nil); err == nil {
		s.dropAttributes(ctx, b, key, nullVersion, grant)
	}
	return object.Newest, err
}

// commitVersion adds a version, and then moves the head to it. Its id comes from its order, so that
// it has one only when that is known.
func (s *Store) commitVersion(b *bucket, key object.Key, r *drive.Record, g *staged,
	grant lock.Grant) (object.VersionID, error) {
	err := s.publishObject(s.objectAt(b, key), r, g, grant, func() {
		r.Key = s.versionAt(b, key, versionOf(r.Order)).key
	})
	if err != nil {
		return "", err
	}
	v := versionOf(r.Order)
	return v.String(), s.moveHead(b, key, v, r, grant)
}

// commitNull puts a version, or a delete marker, in the place of the null version, and moves the
// head to it.
func (s *Store) commitNull(ctx context.Context, b *bucket, key object.Key, r *drive.Record,
	g *staged, grant lock.Grant) error {
	if err := s.publishObject(s.objectAt(b, key), r, g, grant, nil); err != nil {
		return err
	}
	err := s.moveHead(b, key, nullVersion, r, grant)
	if err == nil {
		s.dropAttributes(ctx, b, key, nullVersion, grant)
	}
	return err
}

// moveHead makes a version that was committed the newest of its key.
func (s *Store) moveHead(b *bucket, key object.Key, v versionID, r *drive.Record,
	grant lock.Grant) error {
	t, err := targetOf(key, v, r)
	if err != nil {
		return err
	}
	at := s.headAt(b, key)
	return s.publishObject(at, headRecord(at.key, t, nil), nil, grant, nil)
}

// publishObject commits r, with the shards of g, or whole where g is nil, to a register of a key
// whose lock the caller holds. place, if not nil, is called once r has its order, before anything
// reads its key. Where the quorum is missed, nothing is built upon the key while r may arrive late.
func (s *Store) publishObject(at address, r *drive.Record, g *staged, grant lock.Grant,
	place func()) error {
	f := &flight{late: &s.late, key: owner(at.key)}
	spread, w := at.set.everywhere, at.set.w
	if g != nil {
		spread, w, f.done = g.records, g.quorum.w, g.committed
	}
	err := at.set.publish(r, grant, func(r *drive.Record) []*drive.Record {
		if place != nil {
			place()
		}
		return spread(r)
	}, w, f.landed)
	if err != nil {
		f.lost()
	}
	return err
}

// commitPart commits a part of an upload, with the shards of g.
func (s *Store) commitPart(ctx context.Context, at address, r *drive.Record, g *staged) error {
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		g.abort()
		return err
	}
	defer grant.Release()
	return s.publishObject(at, r, g, grant, nil)
}
