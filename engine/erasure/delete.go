package erasure

import (
	"context"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// DeleteObject makes a key absent, or deletes a version; see object.Objects. Without versioning it
// asks nobody whether the key exists: a tombstone above nothing is as good.
func (s *Store) DeleteObject(ctx context.Context, o *object.Delete) (object.Deleted, error) {
	b, err := s.bucket(ctx, o.Bucket)
	if err != nil {
		return object.Deleted{}, err
	}
	if err := b.enter(); err != nil {
		return object.Deleted{}, err
	}
	defer b.leave()
	versioned := b.versioned()
	if o.Version != object.Newest && (versioned || o.Version != object.NullVersion) {
		return s.deleteVersion(ctx, b, o)
	}
	r := &drive.Record{Type: drive.TypePurge, ModTimeNanos: s.now().UnixNano()}
	if versioned {
		r.Type, r.Meta = drive.TypeMarker, infoMeta(&object.Info{})
	}
	v, err := s.commitObject(ctx, b, o.Key, &o.If, r, nil)
	return object.Deleted{Version: max(v, o.Version), Marker: versioned}, err
}

// deleteVersion deletes a version for good; if it is the newest one, the one before it becomes
// that.
func (s *Store) deleteVersion(ctx context.Context, b *bucket,
	o *object.Delete) (object.Deleted, error) {
	done := object.Deleted{Version: o.Version}
	at := s.headAt(b, o.Key)
	grant, h, err := s.lockKey(ctx, b, o.Key)
	if err != nil {
		return done, err
	}
	defer grant.Release()
	t, err := s.findHeld(ctx, b, o.Ref, grant)
	if err != nil || t == nil {
		if err == nil {
			err = o.If.Check(false, "")
		}
		return done, err
	}
	done.Marker = t.info.Marker
	if err := o.If.Check(!t.info.Marker, t.info.ETag); err != nil {
		return done, err
	}
	if err := t.info.Attributes.MayDelete(s.cfg.Now(), o.Bypass); err != nil {
		return done, err
	}
	if h.target != nil && h.version == t.version {
		next, err := s.newestBut(ctx, b, o.Key, &t.version, false, grant)
		if err == nil {
			err = s.publishObject(at, headRecord(at.key, next, &t.version), nil, grant, nil)
		}
		if err != nil {
			return done, err
		}
	}
	return done, s.purgeVersion(ctx, b, o.Key, t.version, grant)
}
