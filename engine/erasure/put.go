package erasure

import (
	"context"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// PutObject stores p; see object.Objects.
func (s *Store) PutObject(ctx context.Context, p *object.Put) (object.Info, error) {
	b, err := s.bucket(ctx, p.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	at := s.objectAt(b, p.Key)
	g, err := at.set.stage(ctx, p, object.ClassOf(p.Headers), at.rotation)
	if err != nil {
		return object.Info{}, err
	}
	info, err := s.sealInfo(p)
	if err != nil {
		g.abort()
		return info, err
	}
	r := &drive.Record{Type: drive.TypePut, Key: at.key, Meta: infoMeta(&info),
		ModTimeNanos: info.ModTime.UnixNano()}
	if err := b.enter(); err != nil {
		g.abort()
		return info, err
	}
	defer b.leave()
	return info, s.commitIf(ctx, at, &p.If, r, g)
}

// sealInfo makes the Info of a body that was read to its end.
func (s *Store) sealInfo(p *object.Put) (object.Info, error) {
	info := object.Info{Key: p.Key, SizeBytes: p.SizeBytes, ModTime: s.now(), Headers: p.Headers}
	if p.Seal == nil {
		return info, nil
	}
	return info, p.Seal(&info)
}

// now is the time of a write as people see it: S3 shows whole seconds in headers, so all of its
// shapes agree only if it is kept in whole seconds. Never used for order.
func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Second) }

// DeleteObject makes key absent; see object.Objects. It asks nobody whether the key exists: a
// tombstone above nothing is as good.
func (s *Store) DeleteObject(ctx context.Context, o *object.Delete) (object.Deleted, error) {
	done := object.Deleted{Version: o.Version}
	b, err := s.bucket(ctx, o.Bucket)
	if err != nil {
		return done, err
	}
	if err := b.enter(); err != nil {
		return done, err
	}
	defer b.leave()
	at := s.objectAt(b, o.Key)
	r := &drive.Record{Type: drive.TypePurge, Key: at.key, ModTimeNanos: s.now().UnixNano()}
	return done, s.commitIf(ctx, at, &o.If, r, nil)
}

// purge commits a tombstone for a register that is no object's.
func (s *Store) purge(ctx context.Context, at address, meta []byte) error {
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return err
	}
	defer grant.Release()
	return s.purgeHeld(at, meta, grant)
}

// purgeHeld is purge under a grant the caller holds.
func (s *Store) purgeHeld(at address, meta []byte, grant lock.Grant) error {
	err := at.set.publishWhole(&drive.Record{Type: drive.TypePurge, Key: at.key, Meta: meta,
		ModTimeNanos: s.now().UnixNano()}, grant)
	if err != nil {
		s.doubts.add(at.key)
	}
	return err
}
