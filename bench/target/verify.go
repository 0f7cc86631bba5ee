package target

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"

	"flashstore/bench/content"
)

// ErrWrongData is wrapped where the server answered something it was never given.
var ErrWrongData = errors.New("wrong data")

const (
	verifyBucket = "flashbench-verify"
	verifyMax    = 30 * time.Second
	// objectBytesMax keeps the pass short when the load uses large objects.
	objectBytesMax = 8 << 20
)

// Verify writes objects of several sizes, among them objectBytes, reads them back whole and in
// part, and lists them. It leaves them in a bucket of its own; a second pass overwrites them.
func (s *Server) Verify(ctx context.Context, objectBytes int64, seed uint64) error {
	ctx, cancel := context.WithTimeout(ctx, verifyMax)
	defer cancel()
	if s.getOnly() {
		return s.verifyFiles(ctx, objectBytes, seed)
	}
	if err := s.makeBucket(ctx, verifyBucket); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	// One byte, one unit of checksums, several stripes with an odd rest, and the load's own size.
	sizes := []int64{1, 64 << 10, 2<<20 + 17, min(objectBytes, objectBytesMax)}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	var keys []string
	for i, size := range sizes {
		key := fmt.Sprintf("verify/%010d", size)
		keys = append(keys, key)
		data := make([]byte, size)
		content.Fill(data, seed, i)
		if err := s.verifyObject(ctx, key, data); err != nil {
			return fmt.Errorf("verify: object of %d bytes: %w", size, err)
		}
	}
	return s.verifyList(ctx, keys, sizes)
}

func (s *Server) verifyObject(ctx context.Context, key string, data []byte) error {
	size := int64(len(data))
	_, err := s.client.PutObject(ctx, verifyBucket, key, bytes.NewReader(data), size,
		minio.PutObjectOptions{DisableMultipart: true})
	if err != nil {
		return fmt.Errorf("PUT: %w", err)
	}
	return s.verifyRead(ctx, verifyBucket, key, data)
}

// verifyRead gets an object whole and in parts and compares hashes.
func (s *Server) verifyRead(ctx context.Context, bucket, key string, data []byte) error {
	size := int64(len(data))
	first, last := size/3, size-1-size/5
	for _, part := range [][2]int64{{0, size - 1}, {first, last}, {last, last}} {
		var options minio.GetObjectOptions
		if part != [2]int64{0, size - 1} {
			if err := options.SetRange(part[0], part[1]); err != nil {
				return err
			}
		}
		want := data[part[0] : part[1]+1]
		got, err := s.get(ctx, bucket, key, options, int64(len(want)))
		if err != nil {
			return fmt.Errorf("GET bytes %d-%d: %w", part[0], part[1], err)
		}
		if sha256.Sum256(got) != sha256.Sum256(want) {
			return fmt.Errorf("%w: GET bytes %d-%d: %d bytes with another SHA-256",
				ErrWrongData, part[0], part[1], len(got))
		}
	}
	return nil
}

func (s *Server) get(
	ctx context.Context, bucket, key string, options minio.GetObjectOptions, bytesMax int64,
) ([]byte, error) {
	core := minio.Core{Client: s.client}
	body, _, _, err := core.GetObject(ctx, bucket, key, options)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	// One more than expected, so that a body too long is seen.
	return io.ReadAll(io.LimitReader(body, bytesMax+1))
}

// verifyFiles reads objects that lie on the disk as files: what such a server can prove.
func (s *Server) verifyFiles(ctx context.Context, objectBytes int64, seed uint64) error {
	data := make([]byte, objectBytes)
	content.Fill(data, seed, 0)
	if err := s.verifyRead(ctx, Bucket, content.Key(0), data); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

func (s *Server) verifyList(ctx context.Context, keys []string, sizes []int64) error {
	var got []string
	options := minio.ListObjectsOptions{Prefix: "verify/", Recursive: true}
	for object := range s.client.ListObjects(ctx, verifyBucket, options) {
		if object.Err != nil {
			return fmt.Errorf("verify: LIST: %w", object.Err)
		}
		got = append(got, object.Key)
		i := slices.Index(keys, object.Key)
		if i >= 0 && object.Size != sizes[i] {
			return fmt.Errorf("%w: LIST: %s has %d bytes", ErrWrongData, object.Key, object.Size)
		}
	}
	if !slices.Equal(got, keys) {
		return fmt.Errorf("%w: LIST: %v, want %v", ErrWrongData, got, keys)
	}
	return nil
}

func (s *Server) getOnly() bool { return s.config.Foreign != nil && s.config.Foreign.GetOnly }

func (s *Server) makeBucket(ctx context.Context, bucket string) error {
	if s.getOnly() {
		return nil
	}
	there, err := s.client.BucketExists(ctx, bucket)
	if err != nil || there {
		return err
	}
	return s.client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{Region: s.config.region()})
}
