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
	if err := b.mayProtect(&p.Attributes); err != nil {
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
	if err := b.enter(); err != nil {
		g.abort()
		return info, err
	}
	defer b.leave()
	info.Attributes = b.protect(p.Attributes, info.ModTime)
	r := &drive.Record{Type: drive.TypePut, Meta: infoMeta(&info),
		ModTimeNanos: info.ModTime.UnixNano()}
	info.Version, err = s.commitObject(ctx, b, p.Key, &p.If, r, g)
	return info, err
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
