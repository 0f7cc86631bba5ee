package erasure

import (
	"context"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// versions visits the versions of a key and its delete markers, the newest first, but the null one,
// until each returns false. The caller holds the lock of the key; certain is that of a walkQuery.
func (s *Store) versions(ctx context.Context, b *bucket, key object.Key, certain bool,
	grant lock.Grant, each func(v versionID, w *write) (more bool)) error {
	q := walkQuery{space: drive.SpaceVersion, bucket: b.id, prefix: string(key) + "\x00",
		hint: 1, markers: true, held: &grant, certain: certain, every: true}
	one := []*set{s.objectAt(b, key).set}
	return walkSets(ctx, one, q, func(name string, w *write) (string, bool, error) {
		_, v, _ := splitVersion(name)
		return "", each(v, w), nil
	})
}

// nullHeld is the null version of a key, or its delete marker; nil if there is none. The caller
// holds the lock of the key.
func (s *Store) nullHeld(ctx context.Context, b *bucket, key object.Key,
	grant lock.Grant) (*target, error) {
	at := s.objectAt(b, key)
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err != nil || w == nil || w.sample.Type == drive.TypePurge {
		return nil, err
	}
	return targetOf(key, nullVersion, &w.sample.Record)
}

// newestBut is the newest version of a key, or delete marker, but one; nil if there is none. The
// caller holds the lock of the key.
func (s *Store) newestBut(ctx context.Context, b *bucket, key object.Key, but versionID,
	grant lock.Grant) (best *target, err error) {
	if but != nullVersion {
		if best, err = s.nullHeld(ctx, b, key, grant); err != nil {
			return nil, err
		}
	}
	var bad error
	err = s.versions(ctx, b, key, false, grant, func(v versionID, w *write) bool {
		if v == but {
			return true
		}
		if best == nil || best.order.Less(w.order) {
			best, bad = targetOf(key, v, &w.sample.Record)
		}
		return false
	})
	if err == nil {
		err = bad
	}
	return best, err
}

// mend finishes what was cut off between a version and the head of its key, and returns all
// versions, the newest first: see headForm. A version above all that the head has seen was
// being written, and takes effect now; one that the head was moved away from goes.
func (s *Store) mend(ctx context.Context, b *bucket, key object.Key) ([]*target, error) {
	at := s.headAt(b, key)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err != nil {
		return nil, err
	}
	head, err := readHead(key, w)
	if err != nil {
		return nil, err
	}
	all, err := s.allHeld(ctx, b, key, grant)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if w == nil || w.order.Less(all[0].order) {
		return all, s.publishObject(at, headRecord(at.key, all[0]), nil, grant, nil)
	}
	for len(all) > 0 && (head == nil || head.order.Less(all[0].order)) {
		if err := s.purgeVersion(ctx, b, key, all[0].version, grant); err != nil {
			return nil, err
		}
		all = all[1:]
	}
	return all, nil
}

// allHeld are all versions of a key and its delete markers, the newest first. The caller holds the
// lock of the key.
func (s *Store) allHeld(ctx context.Context, b *bucket, key object.Key,
	grant lock.Grant) (all []*target, err error) {
	null, err := s.nullHeld(ctx, b, key, grant)
	if err != nil {
		return nil, err
	}
	var bad error
	err = s.versions(ctx, b, key, false, grant, func(v versionID, w *write) bool {
		var t *target
		if t, bad = targetOf(key, v, &w.sample.Record); bad != nil {
			return false
		}
		if null != nil && t.order.Less(null.order) {
			all, null = append(all, null), nil
		}
		all = append(all, t)
		return true
	})
	if err == nil {
		err = bad
	}
	if null != nil {
		all = append(all, null)
	}
	return all, err
}

// purgeVersion deletes a version, or its delete marker, for good. The caller holds the lock of the
// key, and has moved its head.
func (s *Store) purgeVersion(ctx context.Context, b *bucket, key object.Key, v versionID,
	grant lock.Grant) error {
	at := s.versionAt(b, key, v)
	r := &drive.Record{Type: drive.TypePurge, Key: at.key, ModTimeNanos: s.now().UnixNano()}
	err := s.publishObject(at, r, nil, grant, nil)
	if err == nil {
		s.dropAttributes(ctx, b, key, v, grant)
	}
	return err
}
