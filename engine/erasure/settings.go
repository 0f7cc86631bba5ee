package erasure

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// settings are what the document of a bucket says.
type settings struct {
	object.BucketSettings
	// attributed: attributes of a version may have changed since it was written.
	attributed bool
}

// plain reports whether an object of the bucket is all in one register.
func (b *bucket) plain() bool {
	s := b.settings.Load()
	return s.Versioning == object.Unversioned && !s.attributed
}

// versioned reports whether the bucket has, or ever had, versioning: its keys may have heads then.
func (b *bucket) versioned() bool {
	return b.settings.Load().Versioning != object.Unversioned
}

// mayProtect says whether a version may come with those attributes. Errors: object.ErrNoLock.
func (b *bucket) mayProtect(a *object.Attributes) error {
	if (a.Retention.Mode != "" || a.LegalHold != "") && !b.settings.Load().Lock {
		return fmt.Errorf("%w: %s", object.ErrNoLock, b.name)
	}
	return nil
}

// protect is a with the default retention of the bucket, if it has none of its own.
func (b *bucket) protect(a object.Attributes, made time.Time) object.Attributes {
	if a.Retention.Mode == "" {
		a.Retention = b.settings.Load().Default.From(made)
	}
	return a
}

// The versions of a bucket's document. One without settings is of the first, for older readers.
const (
	bucketForm         = 1
	bucketFormSettings = 2
)

// bucketMeta is the document of a bucket.
//
//	form (1) | incarnation id (16)
//	In form 2: flags (1; bit 0: attributes may have changed, 1: object lock) | versioning | mode of
//	the default retention | its days, its years (uvarint)
func bucketMeta(id drive.BucketID, s *settings) []byte {
	if *s == (settings{}) {
		return append([]byte{bucketForm}, id[:]...)
	}
	b := append([]byte{bucketFormSettings}, id[:]...)
	flags := byte(0)
	if s.attributed {
		flags |= 1
	}
	if s.Lock {
		flags |= 2
	}
	b = appendString(append(b, flags), string(s.Versioning))
	b = appendString(b, string(s.Default.Mode))
	b = binary.AppendUvarint(b, uint64(s.Default.Days))
	return binary.AppendUvarint(b, uint64(s.Default.Years))
}

// readBucket decodes a bucket's document.
func readBucket(name object.BucketName, r *drive.Record) (*bucket, error) {
	b := &bucket{name: name, created: time.Unix(0, r.ModTimeNanos).UTC()}
	d, s := decoder{rest: r.Meta}, &settings{}
	form := d.byte()
	copy(b.id[:], d.bytes(16))
	if form == bucketFormSettings {
		flags := d.byte()
		s.attributed, s.Lock = flags&1 != 0, flags&2 != 0
		s.Versioning = object.Versioning(d.string())
		s.Default = object.DefaultRetention{Mode: object.LockMode(d.string()),
			Days: int(d.uvarint()), Years: int(d.uvarint())}
	}
	if d.bad || len(d.rest) > 0 || form != bucketForm && form != bucketFormSettings {
		return nil, fmt.Errorf("%w: document of bucket %s", errMeta, name)
	}
	b.settings.Store(s)
	return b, nil
}

// SetBucket changes the settings of a bucket; see object.Buckets.
func (s *Store) SetBucket(ctx context.Context, name object.BucketName,
	change func(*object.BucketSettings) error) error {
	_, err := s.changeBucket(ctx, name, func(old, next *settings) error {
		if err := change(&next.BucketSettings); err != nil {
			return err
		}
		return mayBecome(&old.BucketSettings, &next.BucketSettings)
	})
	return err
}

// mayBecome says whether settings may be replaced. Errors: object.ErrVersioning.
func mayBecome(old, next *object.BucketSettings) error {
	switch {
	case old.Versioning != object.Unversioned && next.Versioning == object.Unversioned:
		return fmt.Errorf("%w: it never ends", object.ErrVersioning)
	case next.Lock && next.Versioning != object.Enabled:
		return fmt.Errorf("%w: object lock needs it", object.ErrVersioning)
	case old.Lock && !next.Lock:
		return fmt.Errorf("%w: object lock never ends", object.ErrVersioning)
	case next.Default.Mode != "" && !next.Lock:
		return object.ErrNoLock
	}
	return nil
}

// expectAttributes makes a bucket one in which attributes of versions may change.
func (s *Store) expectAttributes(ctx context.Context, name object.BucketName) (*bucket, error) {
	b, err := s.bucket(ctx, name)
	if err != nil || b.settings.Load().attributed {
		return b, err
	}
	return s.changeBucket(ctx, name, func(_, next *settings) error {
		next.attributed = true
		return nil
	})
}

// changeBucket changes the document of a bucket. What is being committed there ends before, and
// what comes next sees the new settings. If nobody knows whether the document was written, the
// bucket is read, and written, anew by whoever needs it next.
func (s *Store) changeBucket(ctx context.Context, name object.BucketName,
	change func(old, next *settings) error) (*bucket, error) {
	at := s.bucketAt(name)
	grant, err := at.set.lock(ctx, at.key)
	if err != nil {
		return nil, err
	}
	defer grant.Release()
	b, err := s.bucketHeld(ctx, name, grant)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.settings.Load()
	next := *old
	if err := change(old, &next); err != nil || next == *old {
		return b, err
	}
	if err := s.publishBucket(at, b, &next, grant); err != nil {
		s.doubts.add(at.key)
		s.forgetBucket(b, object.ErrUnavailable)
		return nil, err
	}
	b.settings.Store(&next)
	return b, nil
}
