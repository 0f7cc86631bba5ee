package s3api

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"flashstore/engine/object"
)

// add puts a version before those of its key that stay, as the bucket's versioning says.
func (s *memStore) add(b *memBucket, key object.Key, o *memObject) {
	if o.info.Attributes.Retention == (object.Retention{}) && !o.info.Marker {
		o.info.Attributes.Retention = b.settings.Default.From(o.info.ModTime)
	}
	switch b.settings.Versioning {
	case object.Enabled:
		s.ids++
		o.info.Version = object.VersionID(fmt.Sprintf("%032x", 1<<40-s.ids))
	case object.Suspended:
		o.info.Version = object.NullVersion
		b.remove(key, object.NullVersion)
	default:
		delete(b.objects, key)
	}
	o.older = b.objects[key]
	b.objects[key] = o
}

// at finds a version; that of a bucket without versioning is the null one.
func (b *memBucket) at(key object.Key, version object.VersionID) *memObject {
	for o := b.objects[key]; o != nil; o = o.older {
		null := o.info.Version == object.Newest && version == object.NullVersion
		if version == object.Newest || version == o.info.Version || null {
			return o
		}
	}
	return nil
}

func (b *memBucket) remove(key object.Key, version object.VersionID) {
	gone := b.at(key, version)
	if gone == nil {
		return
	}
	if b.objects[key] == gone {
		if b.objects[key] = gone.older; gone.older == nil {
			delete(b.objects, key)
		}
		return
	}
	for o := b.objects[key]; o != nil; o = o.older {
		if o.older == gone {
			o.older = gone.older
		}
	}
}

func (b *memBucket) admit(key object.Key, only *object.Condition) error {
	return b.admitVersion(object.Ref{Key: key}, only)
}

func (b *memBucket) admitVersion(ref object.Ref, only *object.Condition) error {
	if o := b.at(ref.Key, ref.Version); o != nil && !o.info.Marker {
		return only.Check(true, o.info.ETag)
	}
	return only.Check(false, "")
}

func (s *memStore) find(method string, ref object.Ref) (*memObject, error) {
	b, err := s.bucket(method, ref.Bucket)
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	o := b.at(ref.Key, ref.Version)
	switch {
	case o == nil && ref.Version == object.Newest:
		return nil, object.ErrNoSuchKey
	case o == nil:
		return nil, object.ErrNoSuchVersion
	case o.info.Marker:
		return nil, &object.MarkerError{Info: o.info, Asked: ref.Version != object.Newest}
	}
	if o.info.Version == object.Newest && b.settings.Versioning != object.Unversioned {
		o.info.Version = object.NullVersion // written before there was versioning
	}
	return o, nil
}

func (s *memStore) DeleteObject(_ context.Context, d *object.Delete) (object.Deleted, error) {
	done := object.Deleted{Version: d.Version}
	b, err := s.bucket("DeleteObject", d.Bucket)
	defer s.mu.Unlock()
	if err == nil {
		err = b.admitVersion(d.Ref, &d.If)
	}
	if err != nil {
		return done, err
	}
	if d.Version != object.Newest {
		if o := b.at(d.Key, d.Version); o != nil {
			if err := o.info.Attributes.MayDelete(time.Now(), d.Bypass); err != nil {
				return done, err
			}
			done.Marker = o.info.Marker
		}
		b.remove(d.Key, d.Version)
		return done, nil
	}
	if b.settings.Versioning == object.Unversioned {
		delete(b.objects, d.Key)
		return done, nil
	}
	marker := &memObject{info: object.Info{Key: d.Key, Marker: true, ModTime: time.Now()}}
	s.add(b, d.Key, marker)
	return object.Deleted{Version: marker.info.Version, Marker: true}, nil
}

// ListVersions is the dumbest listing there is.
func (s *memStore) ListVersions(_ context.Context, bucket object.BucketName,
	q object.VersionQuery) (page object.VersionPage, err error) {
	b, err := s.bucket("ListVersions", bucket)
	defer s.mu.Unlock()
	if err != nil {
		return page, err
	}
	var keys []string
	for k := range b.objects {
		if strings.HasPrefix(string(k), q.Prefix) {
			keys = append(keys, string(k))
		}
	}
	sort.Strings(keys)
	var all []object.VersionEntry
	for _, k := range keys {
		cut := commonPrefixOf(k, q.Prefix, q.Delimiter)
		if cut != "" {
			if len(all) == 0 || all[len(all)-1].Prefix != cut {
				all = append(all, object.VersionEntry{Prefix: cut, Info: object.Info{Key: object.Key(cut)}})
			}
			continue
		}
		for o := b.objects[object.Key(k)]; o != nil; o = o.older {
			all = append(all, object.VersionEntry{Info: o.info, Newest: o == b.objects[object.Key(k)]})
		}
	}
	passed := q.AfterKey == ""
	for _, e := range all {
		if !passed && string(e.Info.Key) == q.AfterKey && q.AfterVersion != "" {
			passed = versionOf(&e.Info) == q.AfterVersion
			continue
		}
		if !passed && string(e.Info.Key) <= q.AfterKey {
			continue
		}
		passed = true
		if len(page.Entries) == q.Max {
			last := page.Entries[q.Max-1]
			if page.NextKey = string(last.Info.Key); last.Prefix == "" {
				page.NextVersion = versionOf(&last.Info)
			}
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}

func versionOf(info *object.Info) object.VersionID {
	if info.Version == object.Newest {
		return object.NullVersion
	}
	return info.Version
}
