package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/minio/minio-go/v7"

	"flashstore/bench/content"
)

// Bucket is where the load works.
const Bucket = "flashbench"

// MakeBucket creates the bucket of the load if it is not there.
func (s *Server) MakeBucket(ctx context.Context) error { return s.makeBucket(ctx, Bucket) }

// MakeBucketNamed creates another bucket if it is not there.
func (s *Server) MakeBucketNamed(ctx context.Context, bucket string) error {
	return s.makeBucket(ctx, bucket)
}

// preloadWorkers is enough for a server that commits in groups.
const preloadWorkers = 32

// Preload fills a bucket, which it makes, with objects of objectBytes each, as package content
// says, and checks by a listing that all are there.
func (s *Server) Preload(
	ctx context.Context, bucket string, objects int, objectBytes int64, seed uint64,
) error {
	if err := s.makeBucket(ctx, bucket); err != nil {
		return fmt.Errorf("preload: %w", err)
	}
	err := s.forEach(ctx, objects, func(ctx context.Context, i int) error {
		return s.preloadOne(ctx, bucket, i, make([]byte, objectBytes), seed)
	})
	if err != nil {
		return fmt.Errorf("preload: %w", err)
	}
	return s.checkCount(ctx, bucket, objects)
}

// forEach does something with every object, several at once, until one fails. No connection of it
// is left, which the server would hold while it is measured.
func (s *Server) forEach(
	ctx context.Context, objects int, do func(ctx context.Context, object int) error,
) error {
	defer s.http.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range preloadWorkers {
		workers.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(fmt.Errorf("object %d: %w", i, err))
				}
			}
		})
	}
	for i := 0; i < objects && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func (s *Server) preloadOne(
	ctx context.Context, bucket string, i int, data []byte, seed uint64,
) error {
	content.Fill(data, seed, i)
	if s.getOnly() {
		file := filepath.Join(s.config.wwwDir(), bucket, content.Key(i))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, data, 0o644)
	}
	_, err := s.client.PutObject(ctx, bucket, content.Key(i), bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{DisableMultipart: true})
	return err
}

func (s *Server) checkCount(ctx context.Context, bucket string, objects int) error {
	if s.getOnly() {
		return nil // nothing lists; the verify pass reads
	}
	count := 0
	options := minio.ListObjectsOptions{Recursive: true}
	for object := range s.client.ListObjects(ctx, bucket, options) {
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

// ReadAll reads every preloaded object once, so that what can be in a cache is.
func (s *Server) ReadAll(ctx context.Context, objects int) error {
	core := minio.Core{Client: s.client}
	err := s.forEach(ctx, objects, func(ctx context.Context, i int) error {
		body, _, _, err := core.GetObject(ctx, Bucket, content.Key(i), minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, body)
		return errors.Join(err, body.Close())
	})
	if err != nil {
		return fmt.Errorf("read all: %w", err)
	}
	return nil
}
