package erasure

import (
	"context"
	"errors"
	"slices"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// pastPrefix is above every key that starts with prefix: keys are UTF-8 and hold no 0xFF.
func pastPrefix(prefix string) string { return prefix + "\xff" }

// List returns a page of keys; see object.Objects.
func (s *Store) List(ctx context.Context, name object.BucketName,
	q object.ListQuery) (object.ListPage, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return object.ListPage{}, err
	}
	after := q.After
	if after != "" && after == commonPrefix(after, q.Prefix, q.Delimiter) {
		after = pastPrefix(after)
	}
	for _, one := range s.sets {
		one.clients.note()
	}
	page := object.ListPage{}
	last := ""
	wq := walkQuery{space: drive.SpaceObject, bucket: b.id, prefix: q.Prefix, after: after,
		hint: q.Max}
	err = s.walkNewest(ctx, b, wq, func(key string, n newest) (string, bool, error) {
		if len(page.Entries) == q.Max {
			page.Next = last
			return "", false, nil
		}
		if len(page.Entries) == cap(page.Entries) && len(page.Entries) > 16 {
			page.Entries = slices.Grow(page.Entries, q.Max-len(page.Entries)) // once
		}
		if prefix := commonPrefix(key, q.Prefix, q.Delimiter); prefix != "" {
			page.Entries = append(page.Entries, object.ListEntry{Prefix: prefix})
			last = prefix
			return pastPrefix(prefix), true, nil
		}
		info, err := n.info(object.Key(key))
		page.Entries = append(page.Entries, object.ListEntry{Info: info})
		last = key
		return "", true, err
	})
	return page, err
}

// newest is the newest version of a key as a walk meets it: the write of its object, or what its
// head says.
type newest struct {
	object *write
	named  *target
}

func (n *newest) info(key object.Key) (object.Info, error) {
	if n.named != nil {
		return n.named.info, nil
	}
	info, err := listedInfo(&n.object.sample.Record)
	info.Key = key
	return info, err
}

// listedInfo is recordInfo whose strings are views of what a drive listed.
func listedInfo(r *drive.Record) (info object.Info, err error) {
	d := decoder{rest: r.Meta, shared: true}
	if r.Type == drive.TypeManifest {
		d.bytes(uint64(len(uploadID{})))
	}
	err = d.info(r, &info)
	return info, err
}

// walkNewest visits the newest versions of keys; q selects objects.
func (s *Store) walkNewest(ctx context.Context, b *bucket, q walkQuery,
	each func(key string, n newest) (skipTo string, more bool, err error)) error {
	if !b.versioned() {
		return s.walk(ctx, q, func(key string, w *write) (string, bool, error) {
			return each(key, newest{object: w})
		})
	}
	q.markers = true
	objects, err := newWalker(ctx, s.sets, q)
	if err != nil {
		return err
	}
	q.space = drive.SpaceHead
	heads, err := newWalker(ctx, s.sets, q)
	if err != nil {
		return err
	}
	for pages := objects.pages(); ; {
		// A key that gets its head while it loses its null version must not be missed in between: where
		// an object was not there, its head is looked for later.
		if now := objects.pages(); now != pages {
			pages = now
			if err := heads.restart(ctx); err != nil {
				return err
			}
		}
		key, n, err := s.newestOf(ctx, b, objects, heads)
		if err != nil || key == "" {
			return err
		}
		skipTo, more := "", true
		if n != (newest{}) {
			if skipTo, more, err = each(key, n); err != nil || !more {
				return err
			}
		}
		skipTo = max(skipTo, key)
		if err := errors.Join(objects.skip(ctx, skipTo), heads.skip(ctx, skipTo)); err != nil {
			return err
		}
	}
}

// newestOf is the newest version of the next key, which has none if it ends in a delete marker; the
// key is "" behind the last.
func (s *Store) newestOf(ctx context.Context, b *bucket, objects, heads *walker) (key string,
	n newest, err error) {
	first, head := objects.at(), heads.at()
	if first == nil && head == nil {
		return "", n, nil
	}
	if head == nil || first != nil && first.name < head.name {
		return first.name, newest{object: content(first.write)}, nil
	}
	key = head.name
	h, err := readHead(object.Key(key), head.write)
	if err != nil {
		return key, n, err
	}
	n.named = h.target
	if n.named.version == nullVersion {
		if first != nil && first.name == key && first.write.id == n.named.id {
			return key, newest{object: content(first.write)}, nil
		}
		// Read at another moment, or cut off: see lookFor.
		n.named, err = s.find(ctx, b, object.Ref{Bucket: b.name, Key: object.Key(key)})
	}
	if n.named != nil && n.named.info.Marker {
		n.named = nil
	}
	return key, n, err
}

// commonPrefix is the prefix that key is rolled up into, or "".
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return ""
	}
	at := strings.Index(key[len(prefix):], delimiter)
	if at < 0 {
		return ""
	}
	return key[:len(prefix)+at+len(delimiter)]
}
