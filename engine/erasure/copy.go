package erasure

import (
	"context"

	"flashstore/engine/object"
)

// CopyObject stores what another object is, or the same one; see object.Objects. It reads the
// source as a client would and writes it anew: nothing is shared, so neither object needs the
// other, and what is read stays until it is read to its end, whatever becomes of the source.
func (s *Store) CopyObject(ctx context.Context, c *object.Copy) (object.Info, error) {
	source, err := s.Open(ctx, c.Source)
	if err != nil {
		return object.Info{}, err
	}
	defer source.Close()
	p, err := c.Put(ctx, source)
	if err != nil {
		return object.Info{}, err
	}
	return s.PutObject(ctx, p)
}
