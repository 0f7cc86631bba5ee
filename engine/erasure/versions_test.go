package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/object"
)

// expected is what a bucket should hold: the versions of each key, the newest first.
type expected struct {
	versioning object.Versioning
	keys       map[object.Key][]expectedVersion
}

type expectedVersion struct {
	id     object.VersionID
	body   []byte
	marker bool
	tags   []object.Pair
}

// put adds a version, as S3 does; id is the one that the store gave it.
func (e *expected) put(key object.Key, v expectedVersion) {
	if e.versioning != object.Enabled {
		v.id = object.NullVersion
		e.remove(key, object.NullVersion)
	}
	e.keys[key] = slices.Insert(e.keys[key], 0, v)
}

func (e *expected) remove(key object.Key, id object.VersionID) {
	e.keys[key] = slices.DeleteFunc(e.keys[key],
		func(v expectedVersion) bool { return v.id == id })
}

// newest is the content of a key, nil if there is none.
func (e *expected) newest(key object.Key) *expectedVersion {
	if all := e.keys[key]; len(all) > 0 && !all[0].marker {
		return &all[0]
	}
	return nil
}

// lines are all versions of keys that begin with prefix, as text.
func (e *expected) lines(prefix string) (lines []string) {
	names := make([]string, 0, len(e.keys))
	for key := range e.keys {
		names = append(names, string(key))
	}
	slices.Sort(names)
	for _, name := range names {
		for i, v := range e.keys[object.Key(name)] {
			if strings.HasPrefix(name, prefix) {
				lines = append(lines, versionLine(name, v.id, len(v.body), v.marker, i == 0))
			}
		}
	}
	return lines
}

func versionLine(key string, id object.VersionID, size int, marker, newest bool) string {
	return fmt.Sprintf("%s %s %d %t %t", key, id, size, marker, newest)
}

// versionRun changes a bucket at random and compares.
type versionRun struct {
	*fixture
	random *rand.Rand
	want   *expected
	keys   []object.Key
}

// TestVersions does at random what clients do to a bucket whose versioning is enabled and suspended
// in the middle, with restarts and drives away, and compares everything with a model.
func TestVersions(t *testing.T) {
	for _, shape := range []struct{ sets, n, m int }{{1, 1, 0}, {1, 4, 2}, {2, 2, 1}} {
		t.Run(fmt.Sprintf("%dx%d+%d", shape.sets, shape.n-shape.m, shape.m), func(t *testing.T) {
			f := newSets(t, shape.sets, shape.n, shape.m)
			f.bucket("bucket")
			r := &versionRun{fixture: f, random: rand.New(rand.NewPCG(seedOf(t), 1)),
				want: &expected{keys: map[object.Key][]expectedVersion{}}}
			for _, name := range []string{"a", "a/b", "a/b/c", "a-", "b\x01", "b", "ü/x"} {
				r.keys = append(r.keys, object.Key(name))
			}
			for range 30 {
				r.step()
			}
			for _, state := range []object.Versioning{object.Enabled, object.Suspended,
				object.Enabled} {
				r.version(state)
				for range 40 {
					r.step()
				}
				r.restart()
				r.compare()
			}
			if shape.m == 2 {
				r.restart(r.random.IntN(4))
				for range 30 {
					r.step()
				}
				r.restart()
				r.compare()
			}
			r.clear()
		})
	}
}

func (r *versionRun) version(state object.Versioning) {
	r.t.Helper()
	err := r.store.SetBucket(r.t.Context(), "bucket", func(s *object.BucketSettings) error {
		s.Versioning = state
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.want.versioning = state
	info, err := r.store.Bucket(r.t.Context(), "bucket")
	if err != nil || info.Settings.Versioning != state {
		r.t.Fatalf("%+v, %v", info, err)
	}
}

func (r *versionRun) step() {
	r.t.Helper()
	key := r.keys[r.random.IntN(len(r.keys))]
	switch n := r.random.IntN(12); {
	case n < 4:
		r.putOne(key)
	case n < 5:
		r.copyOne(key)
	case n < 7:
		r.deleteOne(key)
	case n < 10:
		r.deleteVersionOf(key)
	default:
		r.tag(key)
	}
	if r.random.IntN(4) == 0 {
		r.compare()
	} else {
		r.compareKey(key)
	}
}

func (r *versionRun) putOne(key object.Key) {
	r.t.Helper()
	sizes := []int{0, 1, 100, 5000, 300_000}
	body := make([]byte, sizes[r.random.IntN(len(sizes))])
	for i := range body {
		body[i] = byte(r.random.Uint32())
	}
	p := putOf("bucket", key, body)
	if r.random.IntN(3) == 0 {
		p.Attributes.Tags = []object.Pair{{Name: "with", Value: "the put"}}
	}
	info, err := r.store.PutObject(r.t.Context(), p)
	if err != nil {
		r.t.Fatalf("put %s: %v", key, err)
	}
	r.want.put(key, expectedVersion{id: info.Version, body: body, tags: p.Attributes.Tags})
}

// copyOne makes a version of another one of any key.
func (r *versionRun) copyOne(key object.Key) {
	r.t.Helper()
	from := r.keys[r.random.IntN(len(r.keys))]
	all := r.want.keys[from]
	if len(all) == 0 {
		return
	}
	source := all[r.random.IntN(len(all))]
	info, err := r.store.CopyObject(r.t.Context(), &object.Copy{Source: object.Ref{Bucket: "bucket",
		Key: from, Version: source.id}, Bucket: "bucket", Key: key})
	if source.marker {
		if !errors.Is(err, object.ErrMarker) {
			r.t.Fatalf("copy of a delete marker: %v", err)
		}
		return
	}
	if err != nil {
		r.t.Fatalf("copy of %s of %s: %v", source.id, from, err)
	}
	source.id = info.Version
	r.want.put(key, source)
}

func (r *versionRun) deleteOne(key object.Key) {
	r.t.Helper()
	done, err := r.store.DeleteObject(r.t.Context(),
		&object.Delete{Ref: object.Ref{Bucket: "bucket", Key: key}})
	if err != nil {
		r.t.Fatalf("delete %s: %v", key, err)
	}
	if r.want.versioning == object.Unversioned {
		delete(r.want.keys, key)
		return
	}
	if !done.Marker || done.Version == object.Newest {
		r.t.Fatalf("delete %s: %+v", key, done)
	}
	r.want.put(key, expectedVersion{id: done.Version, marker: true})
}

func (r *versionRun) deleteVersionOf(key object.Key) {
	r.t.Helper()
	all := r.want.keys[key]
	if len(all) == 0 {
		return
	}
	v := all[r.random.IntN(len(all))]
	if r.random.IntN(2) == 0 {
		v = all[0]
	}
	done, err := r.store.DeleteObject(r.t.Context(),
		&object.Delete{Ref: object.Ref{Bucket: "bucket", Key: key, Version: v.id}})
	if err != nil || done.Version != v.id || done.Marker != v.marker {
		r.t.Fatalf("delete %s of %s, marker %t: %+v, %v", v.id, key, v.marker, done, err)
	}
	r.want.remove(key, v.id)
}

// tag changes the tags of a version.
func (r *versionRun) tag(key object.Key) {
	r.t.Helper()
	all := r.want.keys[key]
	if len(all) == 0 {
		return
	}
	i := r.random.IntN(len(all))
	tags := []object.Pair{{Name: "n", Value: fmt.Sprint(r.random.IntN(1000))}}
	_, err := r.store.SetAttributes(r.t.Context(),
		object.Ref{Bucket: "bucket", Key: key, Version: all[i].id},
		func(info *object.Info) error { info.Attributes.Tags = tags; return nil })
	if all[i].marker {
		if !errors.Is(err, object.ErrMarker) {
			r.t.Fatalf("tags of a delete marker: %v", err)
		}
		return
	}
	if err != nil {
		r.t.Fatalf("tags of %s of %s: %v", all[i].id, key, err)
	}
	all[i].tags = tags
}

// read returns content and tags of a version.
func (r *versionRun) read(ref object.Ref) ([]byte, []object.Pair, error) {
	h, err := r.store.Open(r.t.Context(), ref)
	if err != nil {
		return nil, nil, err
	}
	defer h.Close()
	body, err := io.ReadAll(object.NewReader(context.Background(), h))
	info, statErr := r.store.Stat(r.t.Context(), ref)
	if statErr != nil || info.Version != h.Info().Version ||
		!info.Attributes.Equal(&object.Attributes{Tags: h.Info().Attributes.Tags}) {
		r.t.Fatalf("%v: %+v and %+v, %v", ref, info, h.Info(), statErr)
	}
	return body, info.Attributes.Tags, err
}

// compareKey reads the newest version of a key, and each one.
func (r *versionRun) compareKey(key object.Key) {
	r.t.Helper()
	body, tags, err := r.read(object.Ref{Bucket: "bucket", Key: key})
	if v := r.want.newest(key); v == nil && !errors.Is(err, object.ErrNoSuchKey) ||
		v != nil && (err != nil || !bytes.Equal(body, v.body) || !slices.Equal(tags, v.tags)) {
		r.t.Fatalf("%s: %d bytes, tags %v, %v; want %+v", key, len(body), tags, err, v)
	}
	for _, v := range r.want.keys[key] {
		body, tags, err := r.read(object.Ref{Bucket: "bucket", Key: key, Version: v.id})
		if v.marker && !errors.Is(err, object.ErrMarker) ||
			!v.marker && (err != nil || !bytes.Equal(body, v.body) || !slices.Equal(tags, v.tags)) {
			r.t.Fatalf("%s of %s: %d bytes, tags %v, %v", v.id, key, len(body), tags, err)
		}
	}
}

// compare reads everything, and lists it in pages of all sizes.
func (r *versionRun) compare() {
	r.t.Helper()
	for _, key := range r.keys {
		r.compareKey(key)
	}
	prefix := []string{"", "a", "a/", "b", "x"}[r.random.IntN(5)]
	max := 1 + r.random.IntN(8)
	want := r.want.lines(prefix)
	if got := r.listVersions(prefix, max); !slices.Equal(got, want) {
		r.t.Fatalf("versions of %q in pages of %d:\n%s\nwant\n%s", prefix, max,
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var keys []string
	for after := ""; ; {
		page, err := r.store.List(r.t.Context(), "bucket",
			object.ListQuery{Prefix: prefix, After: after, Max: max})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range page.Entries {
			keys = append(keys, fmt.Sprint(e.Info.Key, " ", e.Info.SizeBytes))
		}
		if after = page.Next; after == "" {
			break
		}
	}
	var wantKeys []string
	for _, key := range r.keys {
		if v := r.want.newest(key); v != nil && strings.HasPrefix(string(key), prefix) {
			wantKeys = append(wantKeys, fmt.Sprint(key, " ", len(v.body)))
		}
	}
	slices.Sort(wantKeys)
	slices.Sort(keys)
	if !slices.Equal(keys, wantKeys) {
		r.t.Fatalf("keys of %q in pages of %d: %q, want %q", prefix, max, keys, wantKeys)
	}
}

func (f *fixture) listVersions(prefix string, max int) (lines []string) {
	f.t.Helper()
	q := object.VersionQuery{Prefix: prefix, Max: max}
	for {
		page, err := f.store.ListVersions(f.t.Context(), "bucket", q)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(page.Entries) > max || len(lines) > 10_000 {
			f.t.Fatalf("%d entries in a page of %d behind %d", len(page.Entries), max, len(lines))
		}
		for _, e := range page.Entries {
			id := e.Info.Version
			if id == object.Newest {
				id = object.NullVersion
			}
			lines = append(lines, versionLine(string(e.Info.Key), id, int(e.Info.SizeBytes),
				e.Info.Marker, e.Newest))
		}
		if q.AfterKey, q.AfterVersion = page.NextKey, page.NextVersion; q.AfterKey == "" {
			return lines
		}
	}
}

// clear deletes all versions, after which the bucket can be deleted, and not before.
func (r *versionRun) clear() {
	r.t.Helper()
	for key, all := range r.want.keys {
		for _, v := range slices.Clone(all) {
			if err := r.store.DeleteBucket(r.t.Context(), "bucket"); !errors.Is(err,
				object.ErrBucketNotEmpty) {
				r.t.Fatalf("with %s of %s: %v", v.id, key, err)
			}
			_, err := r.store.DeleteObject(r.t.Context(),
				&object.Delete{Ref: object.Ref{Bucket: "bucket", Key: key, Version: v.id}})
			if err != nil {
				r.t.Fatal(err)
			}
			r.want.remove(key, v.id)
		}
	}
	if err := r.store.DeleteBucket(r.t.Context(), "bucket"); err != nil {
		r.t.Fatal(err)
	}
}
