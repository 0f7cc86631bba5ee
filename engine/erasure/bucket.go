package erasure

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// bucket is one incarnation of a bucket: a recreated bucket is another one, with another id,
// and shows nothing of the old.
type bucket struct {
	name    object.BucketName
	id      drive.BucketID
	created time.Time
	// settings change under mu, with no commit under way.
	settings atomic.Pointer[settings]

	mu   sync.RWMutex // commits share, DeleteBucket excludes
	gone error        // why no commit may enter any more
}

// bucketTable knows the buckets that were met; a miss asks the drives. The process owns its
// drives alone, so what it knows is true, until a DeleteBucket that may yet take effect drops it.
type bucketTable struct {
	mu    sync.RWMutex
	known map[object.BucketName]*bucket
}

// enter begins a commit in the bucket; it fails once DeleteBucket has won.
func (b *bucket) enter() error {
	b.mu.RLock()
	if err := b.gone; err != nil {
		b.mu.RUnlock()
		return fmt.Errorf("%w: bucket %s", err, b.name)
	}
	return nil
}

func (b *bucket) leave() { b.mu.RUnlock() }

// bucket returns the present incarnation of name.
func (s *Store) bucket(ctx context.Context, name object.BucketName) (*bucket, error) {
	s.buckets.mu.RLock()
	b := s.buckets.known[name]
	s.buckets.mu.RUnlock()
	if b != nil {
		return b, nil
	}
	at := s.bucketAt(name)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	return s.bucketHeld(ctx, name, grant)
}

// bucketHeld is bucket under the lock of the bucket's document.
func (s *Store) bucketHeld(ctx context.Context, name object.BucketName,
	grant lock.Grant) (*bucket, error) {
	s.buckets.mu.RLock()
	b := s.buckets.known[name]
	s.buckets.mu.RUnlock()
	if b != nil {
		return b, nil
	}
	at := s.bucketAt(name)
	w, err := at.set.resolveHeld(ctx, at.key, grant)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("%w: %s", object.ErrNoSuchBucket, name)
	}
	if b, err = readBucket(name, &w.sample.Record); err != nil {
		return nil, err
	}
	if err := s.reaffirm(at, w, grant); err != nil {
		return nil, err
	}
	s.buckets.mu.Lock()
	s.buckets.known[name] = b
	s.buckets.mu.Unlock()
	return b, nil
}

// CreateBucket makes a bucket; see object.Buckets.
func (s *Store) CreateBucket(ctx context.Context, name object.BucketName,
	chosen object.BucketSettings) error {
	if err := mayBecome(&object.BucketSettings{}, &chosen); err != nil {
		return err
	}
	at := s.bucketAt(name)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return err
	}
	defer grant.Release()
	switch w, err := at.set.resolveHeld(ctx, at.key, grant); {
	case err != nil:
		return err
	case w != nil:
		return fmt.Errorf("%w: %s", object.ErrBucketExists, name)
	}
	b := &bucket{name: name, created: s.now()}
	_, _ = rand.Read(b.id[:]) // never fails (crypto/rand)
	return s.publishBucket(at, b, &settings{BucketSettings: chosen}, grant)
}

// publishBucket writes the document of b, under the grant of its register.
func (s *Store) publishBucket(at address, b *bucket, say *settings, grant lock.Grant) error {
	return at.set.publishWhole(&drive.Record{Type: drive.TypeDocument, Key: at.key,
		Meta: bucketMeta(b.id, say), ModTimeNanos: b.created.UnixNano()}, grant)
}

// Bucket describes a bucket; see object.Buckets.
func (s *Store) Bucket(ctx context.Context, name object.BucketName) (object.BucketInfo, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return object.BucketInfo{}, err
	}
	return b.info(), nil
}

func (b *bucket) info() object.BucketInfo {
	return object.BucketInfo{Name: b.name, Created: b.created,
		Settings: b.settings.Load().BucketSettings}
}

// DeleteBucket removes an empty bucket; see object.Buckets. While it looks, no commit can enter
// the bucket, and afterwards none finds it.
func (s *Store) DeleteBucket(ctx context.Context, name object.BucketName) error {
	at := s.bucketAt(name)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return err
	}
	defer grant.Release()
	b, err := s.bucketHeld(ctx, name, grant)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.mustBeEmpty(ctx, b); err != nil {
		return err
	}
	err = s.purgeHeld(at, nil, grant)
	gone := object.ErrNoSuchBucket
	if err != nil {
		gone = object.ErrUnavailable // whoever comes next looks again, and reaffirms it
	}
	s.forgetBucket(b, gone)
	return err
}

// forgetBucket lets nobody enter b any more: whoever comes next reads its document. The caller
// holds b.mu.
func (s *Store) forgetBucket(b *bucket, why error) {
	b.gone = why
	s.buckets.mu.Lock()
	delete(s.buckets.known, b.name)
	s.buckets.mu.Unlock()
}

// mustBeEmpty looks for what must not go with a bucket, and deletes what may. The caller keeps
// commits out. Errors: object.ErrBucketNotEmpty.
func (s *Store) mustBeEmpty(ctx context.Context, b *bucket) error {
	for _, space := range []drive.Space{drive.SpaceObject, drive.SpaceVersion,
		drive.SpaceUpload} {
		q := walkQuery{space: space, bucket: b.id, hint: 1, markers: true, every: true}
		err := s.walk(ctx, q, func(string, *write) (string, bool, error) {
			return "", false, fmt.Errorf("%w: %s", object.ErrBucketNotEmpty, b.name)
		})
		if err != nil {
			return err
		}
	}
	q := walkQuery{space: drive.SpaceAttributes, bucket: b.id, hint: object.ListMax}
	return s.walk(ctx, q, func(name string, _ *write) (string, bool, error) {
		key, v, _ := splitVersion(name)
		return "", true, s.purge(ctx, s.attributesAt(b, key, v), nil)
	})
}

// ListBuckets lists all buckets; see object.Buckets.
func (s *Store) ListBuckets(ctx context.Context) ([]object.BucketInfo, error) {
	var all []object.BucketInfo
	q := walkQuery{space: drive.SpaceDocument, prefix: bucketPrefix, hint: object.ListMax}
	err := s.walk(ctx, q, func(name string, w *write) (string, bool, error) {
		b, err := readBucket(object.BucketName(strings.TrimPrefix(name, bucketPrefix)),
			&w.sample.Record)
		if err != nil {
			return "", false, err
		}
		all = append(all, b.info())
		return "", true, nil
	})
	return all, err
}
