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
// caller holds the lock of the key; certain is that of a walkQuery.
func (s *Store) newestBut(ctx context.Context, b *bucket, key object.Key, but *versionID,
	certain bool, grant lock.Grant) (best *target, err error) {
	if but == nil || *but != nullVersion {
		if best, err = s.nullHeld(ctx, b, key, grant); err != nil {
			return nil, err
		}
	}
	var bad error
	err = s.versions(ctx, b, key, certain, grant, func(v versionID, w *write) bool {
		if but != nil && v == *but {
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

// headHeld is what the head of a key says. The caller holds the lock of the key.
func (s *Store) headHeld(ctx context.Context, b *bucket, key object.Key,
	grant lock.Grant) (keyHead, error) {
	at := s.headAt(b, key)
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err != nil {
		return keyHead{}, err
	}
	return readHead(key, w)
}

// lockKey takes the lock of a key for whoever is going to change something of it, and returns
// what its head says, which in a bucket without versioning is nothing. A deletion that the head
// tells of and that was cut off is finished first, since it was seen, under a grant of its own:
// two writes of one grant would have the same order.
func (s *Store) lockKey(ctx context.Context, b *bucket, key object.Key) (lock.Grant, keyHead,
	error) {
	at := s.objectAt(b, key)
	for {
		grant, err := at.set.lock(ctx, at.key)
		if err != nil || !b.versioned() {
			return grant, keyHead{}, err
		}
		h, err := s.headHeld(ctx, b, key, grant)
		unfinished := false
		if err == nil && h.goes != nil {
			unfinished, err = s.unfinished(ctx, b, key, &h, grant)
		}
		if err == nil && !unfinished {
			return grant, h, nil
		}
		if err == nil {
			err = s.purgeVersion(ctx, b, key, *h.goes, grant)
		}
		grant.Release()
		if err != nil {
			return lock.Grant{}, h, err
		}
	}
}

// unfinished reports whether the version that a head tells of is still there. The caller holds the
// lock of the key.
func (s *Store) unfinished(ctx context.Context, b *bucket, key object.Key, h *keyHead,
	grant lock.Grant) (bool, error) {
	at := s.versionAt(b, key, *h.goes)
	w, err := at.set.newestHeld(ctx, at.key, grant)
	if err != nil || w == nil || w.sample.Type == drive.TypePurge {
		return false, err
	}
	return !h.order.Less(w.order), nil // above it is another null version, which was written since
}

// mend moves the head of a key to its newest version, if it was cut off, and returns all versions,
// the newest first: see keyHead.
func (s *Store) mend(ctx context.Context, b *bucket, key object.Key) ([]*target, error) {
	grant, h, err := s.lockKey(ctx, b, key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	all, err := s.allHeld(ctx, b, key, grant)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, s.raiseHead(b, key, &h, all[0], grant)
}

// raiseHead moves the head to the newest version, if that was written and its head was not.
func (s *Store) raiseHead(b *bucket, key object.Key, h *keyHead, newest *target,
	grant lock.Grant) error {
	if !h.order.Less(newest.order) || h.target == nil && newest.version == nullVersion {
		return nil
	}
	at := s.headAt(b, key)
	return s.publishObject(at, headRecord(at.key, newest, nil), nil, grant, nil)
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
