package erasure

import (
	"context"

	"flashstore/engine/object"
)

// remove makes a key absent.
func remove(ctx context.Context, s *Store, bucket object.BucketName, key object.Key) error {
	return removeIf(ctx, s, bucket, key, object.Condition{})
}

// removeIf makes a key absent that meets a condition.
func removeIf(ctx context.Context, s *Store, bucket object.BucketName, key object.Key,
	only object.Condition) error {
	_, err := s.DeleteObject(ctx, &object.Delete{
		Ref: object.Ref{Bucket: bucket, Key: key}, If: only})
	return err
}
