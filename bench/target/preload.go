package target

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/minio/minio-go/v7"

	"flashstore/bench/content"
)

// Bucket is where the load works.
const Bucket = "flashbench"

// MakeBucket creates the bucket of the load if it is not there.
func (s *Server) MakeBucket(ctx context.Context) error { return s.makeBucket(ctx, Bucket) }

// preloadWorkers is enough for a server that commits in groups.
const preloadWorkers = 32

// Preload fills the bucket of the load with objects of objectBytes each, as package content says,
// and checks by a listing that all are there.
func (s *Server) Preload(ctx context.Context, objects int, objectBytes int64, seed uint64) error {
	if err := s.MakeBucket(ctx); err != nil {
		return fmt.Errorf("preload: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range preloadWorkers {
		workers.Go(func() {
			data := make([]byte, objectBytes)
			for i := range next {
				if err := s.preloadOne(ctx, i, data, seed); err != nil {
					cancel(fmt.Errorf("preload: object %d: %w", i, err))
				}
			}
		})
	}
	for i := 0; i < objects && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.checkCount(ctx, objects)
}

func (s *Server) preloadOne(ctx context.Context, i int, data []byte, seed uint64) error {
	content.Fill(data, seed, i)
	_, err := s.client.PutObject(ctx, Bucket, content.Key(i), bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{DisableMultipart: true})
	return err
}

func (s *Server) checkCount(ctx context.Context, objects int) error {
	count := 0
	options := minio.ListObjectsOptions{Recursive: true}
	for object := range s.client.ListObjects(ctx, Bucket, options) {
		if object.Err != nil {
			return fmt.Errorf("preload: LIST: %w", object.Err)
		}
		count++
	}
	if count != objects {
		return fmt.Errorf("%w: preload: %d objects listed, %d written", ErrWrongData, count, objects)
	}
	return nil
}
