package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// Stat describes the newest version of key; see object.Objects.
func (s *Store) Stat(ctx context.Context, name object.BucketName,
	key object.Key) (object.Info, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return object.Info{}, err
	}
	w, err := s.objectAt(b, key).resolve(ctx, drive.LookupOptions{})
	if err != nil {
		return object.Info{}, err
	}
	if w == nil {
		return object.Info{}, fmt.Errorf("%w: %s", object.ErrNoSuchKey, key)
	}
	info, err := recordInfo(&w.sample.Record)
	info.Key = key
	return info, err
}
