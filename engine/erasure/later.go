package erasure

import (
	"context"
	"errors"

	"flashstore/engine/object"
)

// errLater: what the S3 layer answers 501 for, until this store has versions.
var errLater = errors.New("erasure: not there yet")

// SetBucket is not there yet.
func (s *Store) SetBucket(context.Context, object.BucketName,
	func(*object.BucketSettings) error) error {
	return errLater
}

// SetAttributes is not there yet.
func (s *Store) SetAttributes(context.Context, object.Ref, func(*object.Info) error) (object.Info,
	error) {
	return object.Info{}, errLater
}

// ObjectParts is not there yet.
func (s *Store) ObjectParts(context.Context, object.Ref, int, int) ([]object.Part, bool, error) {
	return nil, false, errLater
}

// ListVersions is not there yet.
func (s *Store) ListVersions(context.Context, object.BucketName,
	object.VersionQuery) (object.VersionPage, error) {
	return object.VersionPage{}, errLater
}

// Part is not there yet.
func (h *handle) Part(int) (offsetBytes, lengthBytes int64, ok bool) { return 0, 0, false }
