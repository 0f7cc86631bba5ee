package erasure

import (
	"context"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// Stat describes the newest version of key; see object.Objects.
func (s *Store) Stat(ctx context.Context, ref object.Ref) (object.Info, error) {
	b, err := s.bucket(ctx, ref.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	w, err := s.objectAt(b, ref.Key).resolve(ctx, drive.LookupOptions{})
	if err != nil {
		return object.Info{}, err
	}
	if w == nil {
		return object.Info{}, fmt.Errorf("%w: %s", object.ErrNoSuchKey, ref.Key)
	}
	info, err := recordInfo(&w.sample.Record)
	info.Key = ref.Key
	return info, err
}
