package erasure

import (
	"context"
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
	if after != "" && after == commonPrefix(after, q) {
		after = pastPrefix(after)
	}
	for _, one := range s.sets {
		one.clients.note()
	}
	page := object.ListPage{}
	last := ""
	wq := walkQuery{space: drive.SpaceObject, bucket: b.id, prefix: q.Prefix, after: after,
		hint: q.Max}
	err = s.walk(ctx, wq, func(key string, w *write) (string, bool, error) {
		if len(page.Entries) == q.Max {
			page.Next = last
			return "", false, nil
		}
		if prefix := commonPrefix(key, q); prefix != "" {
			page.Entries = append(page.Entries, object.ListEntry{Prefix: prefix})
			last = prefix
			return pastPrefix(prefix), true, nil
		}
		info, err := recordInfo(&w.sample.Record)
		if err != nil {
			return "", false, err
		}
		info.Key = object.Key(key)
		page.Entries = append(page.Entries, object.ListEntry{Info: info})
		last = key
		return "", true, nil
	})
	return page, err
}

// commonPrefix is the prefix that key is rolled up into, or "".
func commonPrefix(key string, q object.ListQuery) string {
	if q.Delimiter == "" || !strings.HasPrefix(key, q.Prefix) {
		return ""
	}
	at := strings.Index(key[len(q.Prefix):], q.Delimiter)
	if at < 0 {
		return ""
	}
	return key[:len(q.Prefix)+at+len(q.Delimiter)]
}
