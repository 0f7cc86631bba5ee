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
	rot := rotation(slot(string(p.Bucket), string(p.Key)), s.n)
	g, err := s.stage(ctx, p.Body, p.SizeBytes, rot)
	if err != nil {
		return object.Info{}, err
	}
	info, err := sealInfo(p)
	if err != nil {
		g.abort()
		return info, err
	}
	r := &drive.Record{Type: drive.TypePut, Key: objectKey(b, p.Key), Meta: infoMeta(&info),
		ModTimeNanos: info.ModTime.UnixNano()}
	if err := b.enter(); err != nil {
		g.abort()
		return info, err
	}
	defer b.leave()
	return info, s.publish(ctx, r, g)
}

// sealInfo makes the Info of a body that was read to its end.
func sealInfo(p *object.Put) (object.Info, error) {
	info := object.Info{Key: p.Key, SizeBytes: p.SizeBytes, ModTime: now(), Headers: p.Headers}
	if p.Seal == nil {
		return info, nil
	}
	return info, p.Seal(&info)
}

// now is the time of a write as people see it: S3 shows whole seconds in headers, so all of its
// shapes agree only if it is kept in whole seconds. Never used for order.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// publish commits r with the shards of g as the newest write of its register.
func (s *Store) publish(ctx context.Context, r *drive.Record, g *staged) error {
	grant, err := s.cfg.Locks.Lock(ctx, lockID(r.Key))
	if err != nil {
		g.abort()
		return err
	}
	defer grant.Release()
	s.stamp(r, grant)
	return s.commit(g.records(r), settleRecord(r), g.committed)
}

// publishWhole commits r, which every drive holds whole, under a grant the caller holds.
func (s *Store) publishWhole(r *drive.Record, grant lock.Grant) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	s.stamp(r, grant)
	return s.commit(s.everywhere(r), settleRecord(r), nil)
}

// stamp gives r its identity and its place in the register's order.
func (s *Store) stamp(r *drive.Record, grant lock.Grant) {
	r.Order = drive.Order(grant.Token)
	r.Token, r.WriteID = r.Order, newWriteID()
}

func (s *Store) mayWrite() error {
	if !s.writable.Load() {
		return errReadOnly
	}
	return nil
}

// DeleteObject makes key absent; see object.Objects. It asks nobody whether the key exists: a
// tombstone above nothing is as good.
func (s *Store) DeleteObject(ctx context.Context, name object.BucketName, key object.Key) error {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return err
	}
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	return s.purge(ctx, objectKey(b, key), nil)
}

// purge commits a tombstone for a register.
func (s *Store) purge(ctx context.Context, key drive.Key, meta []byte) error {
	grant, err := s.cfg.Locks.Lock(ctx, lockID(key))
	if err != nil {
		return err
	}
	defer grant.Release()
	return s.purgeHeld(key, meta, grant)
}

// purgeHeld is purge under a grant the caller holds.
func (s *Store) purgeHeld(key drive.Key, meta []byte, grant lock.Grant) error {
	err := s.publishWhole(&drive.Record{Type: drive.TypePurge, Key: key, Meta: meta,
		ModTimeNanos: now().UnixNano()}, grant)
	if err != nil && key.Space != drive.SpaceObject {
		s.doubts.add(key)
	}
	return err
}
