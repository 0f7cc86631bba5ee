package erasure

import (
	"context"

	"flashstore/engine/object"
)

// Stat describes a version; see object.Objects.
func (s *Store) Stat(ctx context.Context, ref object.Ref) (object.Info, error) {
	b, err := s.bucket(ctx, ref.Bucket)
	if err != nil {
		return object.Info{}, err
	}
	t, err := s.find(ctx, b, ref)
	if err == nil {
		err = t.missing(ref)
	}
	if err != nil {
		return object.Info{}, err
	}
	return t.info, nil
}
