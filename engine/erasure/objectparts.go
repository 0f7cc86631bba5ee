package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// ObjectParts lists the parts of an object; see object.Objects.
func (s *Store) ObjectParts(ctx context.Context, ref object.Ref, after, limit int) ([]object.Part,
	bool, error) {
	b, err := s.bucket(ctx, ref.Bucket)
	if err != nil {
		return nil, false, err
	}
	for range findTries {
		t, err := s.find(ctx, b, ref)
		if err == nil {
			err = t.missing(ref)
		}
		if err != nil {
			return nil, false, err
		}
		w, err := s.versionAt(b, ref.Key, t.version).newest(ctx, drive.LookupOptions{})
		if err != nil {
			return nil, false, err
		}
		if w == nil || w.id != t.id {
			continue
		}
		parts, more, whole, err := s.partsOf(ctx, b, ref.Key, &w.sample.Record, after, limit)
		if err != nil || whole {
			return parts, more, err
		}
	}
	return nil, false, fmt.Errorf("%w: %s changes faster than its parts can be listed",
		object.ErrUnavailable, ref.Key)
}

// partsOf lists parts of a manifest; not whole if some are gone, and so the object.
func (s *Store) partsOf(ctx context.Context, b *bucket, key object.Key, r *drive.Record, after,
	limit int) (parts []object.Part, more, whole bool, err error) {
	u, ok := manifestUpload(r)
	if !ok {
		return nil, false, true, nil
	}
	var info object.Info
	named, err := readManifest(r, &info)
	if err != nil {
		return nil, false, false, err
	}
	for _, p := range named {
		if p.number <= after {
			continue
		}
		if len(parts) == limit {
			return parts, true, true, nil
		}
		w, err := s.partAt(b, key, u, p.number).resolve(ctx, drive.LookupOptions{})
		if err != nil || w == nil || w.id != p.id {
			return nil, false, false, err
		}
		one, err := recordInfo(&w.sample.Record)
		if err != nil {
			return nil, false, false, err
		}
		parts = append(parts, object.Part{Number: p.number, Info: one})
	}
	return parts, false, true, nil
}
