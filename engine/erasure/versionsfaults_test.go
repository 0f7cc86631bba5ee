package erasure

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// setVersioning changes the state of the bucket.
func (f *fixture) setVersioning(state object.Versioning) {
	f.t.Helper()
	err := f.store.SetBucket(f.t.Context(), "bucket", func(s *object.BucketSettings) error {
		s.Versioning = state
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// mustPutVersion puts a version of "k" and returns its id.
func (f *fixture) mustPutVersion(body []byte) object.VersionID {
	f.t.Helper()
	info, err := f.store.PutObject(f.t.Context(), putOf("bucket", "k", body))
	if err != nil {
		f.t.Fatal(err)
	}
	return info.Version
}

func (f *fixture) deleteVersion(v object.VersionID) error {
	_, err := f.store.DeleteObject(f.t.Context(),
		&object.Delete{Ref: object.Ref{Bucket: "bucket", Key: "k", Version: v}})
	return err
}

// refuse has all drives refuse commits of one kind in a space; no types: all but settles.
func (f *faultyFixture) refuse(space drive.Space, types ...drive.Type) {
	for _, d := range f.faults {
		d.Set(faulty.Rule{Op: faulty.Commit, Err: errDevice,
			Match: func(key drive.Key, kind drive.Type) bool {
				return key.Space == space && kind != drive.TypeSettle &&
					(len(types) == 0 || slices.Contains(types, kind))
			}})
	}
}

func (f *faultyFixture) repair() {
	for _, d := range f.faults {
		d.Set()
	}
}

// wantVersions compares the ids of the versions of "k", and what the key and each version hold.
func (f *fixture) wantVersions(what string, want ...string) {
	f.t.Helper()
	page, err := f.store.ListVersions(f.t.Context(), "bucket",
		object.VersionQuery{Prefix: "k", Max: 100})
	if err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
	var got []string
	for i, e := range page.Entries {
		if e.Info.Key != "k" {
			continue
		}
		if e.Newest != (i == 0) {
			f.t.Errorf("%s: version %d is the newest: %t", what, i, e.Newest)
		}
		body := "marker"
		if !e.Info.Marker {
			body = f.versionBody(what, e.Info.Version)
		}
		got = append(got, body)
	}
	if !slices.Equal(got, want) {
		f.t.Errorf("%s: versions %q, want %q", what, got, want)
	}
	newest := ""
	if len(want) > 0 && want[0] != "marker" {
		newest = want[0]
	}
	body, err := f.get("k", 0, -1)
	if newest == "" && !errors.Is(err, object.ErrNoSuchKey) ||
		newest != "" && (err != nil || string(body) != newest) {
		f.t.Errorf("%s: the key has %q, %v", what, body, err)
	}
}

func (f *fixture) versionBody(what string, v object.VersionID) string {
	f.t.Helper()
	h, err := f.store.Open(f.t.Context(), object.Ref{Bucket: "bucket", Key: "k", Version: v})
	if err != nil {
		f.t.Errorf("%s: version %s: %v", what, v, err)
		return ""
	}
	defer h.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(object.NewReader(f.t.Context(), h)); err != nil {
		f.t.Errorf("%s: version %s: %v", what, v, err)
	}
	return body.String()
}

// TestCutBeforeTheHead cuts writes off between a version and the head of its key: nobody who does
// not list versions sees them, and whoever does sees them for good.
func TestCutBeforeTheHead(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	one := f.mustPutVersion([]byte("one"))
	cut := func(what string, space drive.Space, types []drive.Type, do func() error) {
		t.Helper()
		f.refuse(space, types...)
		if err := do(); !errors.Is(err, object.ErrUnavailable) {
			t.Fatalf("%s: %v", what, err)
		}
		f.repair()
	}
	cut("put", drive.SpaceHead, nil, func() error { return f.put("k", []byte("two")) })
	if body, err := f.get("k", 0, -1); err != nil || string(body) != "one" {
		t.Fatalf("behind a put that was cut off: %q, %v", body, err)
	}
	f.wantVersions("a put that was cut off", "two", "one")

	cut("delete", drive.SpaceHead, nil, func() error { return remove(t.Context(), f.store, "bucket", "k") })
	if body, err := f.get("k", 0, -1); err != nil || string(body) != "two" {
		t.Fatalf("behind a delete that was cut off: %q, %v", body, err)
	}
	f.wantVersions("a delete that was cut off", "marker", "two", "one")

	three := f.mustPutVersion([]byte("three"))
	cut("delete of the newest", drive.SpaceVersion, []drive.Type{drive.TypePurge},
		func() error { return f.deleteVersion(three) })
	f.wantError("k", object.ErrNoSuchKey) // a marker is the newest again
	f.wantVersions("a deletion that was cut off", "marker", "two", "one")
	if err := f.deleteVersion(one); err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.wantVersions("a restart", "marker", "two")
}

// TestCutNull cuts writes off that take the place of a null version: its head names it, and is not
// moved.
func TestCutNull(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.mustPut("k", []byte("before"))
	f.setVersioning(object.Enabled)
	f.mustPutVersion([]byte("version"))
	f.setVersioning(object.Suspended)
	f.mustPut("k", []byte("null"))
	f.refuse(drive.SpaceHead)
	if err := f.put("k", []byte("another null")); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.repair()
	f.awaitSettles()
	info, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: "k"})
	if err != nil || info.SizeBytes != int64(len("another null")) {
		t.Fatalf("HEAD: %+v, %v", info, err)
	}
	page, err := f.store.List(t.Context(), "bucket", object.ListQuery{Prefix: "k", Max: 1})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Info.SizeBytes != info.SizeBytes {
		t.Fatalf("LIST: %+v, %v", page, err)
	}
	f.wantVersions("a null version in the place of another", "another null", "version")

	// Over a version it is cut off as any.
	f.setVersioning(object.Enabled)
	f.mustPutVersion([]byte("version two"))
	f.setVersioning(object.Suspended)
	f.refuse(drive.SpaceHead)
	if err := f.put("k", []byte("last null")); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.repair()
	if body, err := f.get("k", 0, -1); err != nil || string(body) != "version two" {
		t.Fatalf("%q, %v", body, err)
	}
	f.wantVersions("a null version over others", "last null", "version two", "version")

	// Its deletion by id moves the head, then it goes.
	f.refuse(drive.SpaceObject, drive.TypePurge)
	if err := f.deleteVersion(object.NullVersion); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.repair()
	if body, err := f.get("k", 0, -1); err != nil || string(body) != "version two" {
		t.Fatalf("%q, %v", body, err)
	}
	f.wantVersions("a deletion of the null version that was cut off", "version two", "version")
}

// TestDeletionBesideAPut deletes the newest version while a newer one is on its way to the drives:
// whichever comes first, the newer one is the newest in the end.
func TestDeletionBesideAPut(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	f.mustPutVersion([]byte("one"))
	two := f.mustPutVersion([]byte("two"))
	f.awaitSettles()
	var once sync.Once
	underWay := make(chan struct{})
	for _, d := range f.faults {
		d.Set(faulty.Rule{Op: faulty.Commit, Hang: true,
			Match: func(key drive.Key, kind drive.Type) bool {
				hangs := key.Space == drive.SpaceVersion && kind == drive.TypePut
				if hangs {
					once.Do(func() { close(underWay) })
				}
				return hangs
			}})
	}
	put, deleted := make(chan error, 1), make(chan error, 1)
	go func() { put <- f.put("k", []byte("three")) }()
	<-underWay
	go func() { deleted <- f.deleteVersion(two) }()
	// It waits for the PUT; if it did not, this would be time enough for it.
	select {
	case err := <-deleted:
		t.Errorf("deleted beside a PUT: %v", err)
		deleted <- err
	case <-time.After(300 * time.Millisecond):
	}
	f.repair()
	for _, d := range f.faults {
		d.Release()
	}
	if err := errors.Join(<-put, <-deleted); err != nil {
		t.Fatal(err)
	}
	if body, err := f.get("k", 0, -1); err != nil || string(body) != "three" {
		t.Errorf("the key has %q, %v", body, err)
	}
	f.wantVersions("a deletion beside a put", "three", "one")
}

// TestLeftAttributes: attributes of an object that could not be dropped with it are not those of the
// next one.
func TestLeftAttributes(t *testing.T) {
	f := newFaulty(t, 4, 2)
	ref := object.Ref{Bucket: "bucket", Key: "k"}
	f.mustPut("k", []byte("tagged"))
	if _, err := f.store.SetAttributes(t.Context(), ref, func(i *object.Info) error {
		i.Attributes.Tags = []object.Pair{{Name: "of", Value: "the first"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f.refuse(drive.SpaceAttributes, drive.TypePurge)
	f.mustPut("k", []byte("another"))
	f.repair()
	for range 2 {
		if info, err := f.store.Stat(t.Context(), ref); err != nil || len(info.Attributes.Tags) > 0 {
			t.Fatalf("%+v, %v", info, err)
		}
		f.restart()
	}
	if err := remove(t.Context(), f.store, "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	f.mustPut("k", []byte("third"))
	f.awaitSettles()
	if info, err := f.store.Stat(t.Context(), ref); err != nil || len(info.Attributes.Tags) > 0 {
		t.Fatalf("%+v, %v", info, err)
	}
}

// TestVersionRaces has writers and deleters at a key at once: of those who want to be the first one
// is; every version that was acknowledged is there, and the newest of them is what the key has.
func TestVersionRaces(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.setVersioning(object.Enabled)
	var mu sync.Mutex
	first, ids := 0, map[object.VersionID]bool{}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			p := putOf("bucket", "k", []byte(fmt.Sprint("racer ", i)))
			p.If.NoneMatch = []string{object.AnyETag}
			info, err := f.store.PutObject(t.Context(), p)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				first++
				ids[info.Version] = true
			} else if !errors.Is(err, object.ErrIfNoneMatch) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if first != 1 {
		t.Fatalf("%d of 16 were the first", first)
	}
	for i := range 8 {
		wg.Go(func() {
			for n := range 60 {
				info, err := f.store.PutObject(t.Context(), putOf("bucket", "k", pattern(n, uint64(i))))
				gone := false
				if err == nil && i%2 == 0 {
					err, gone = f.deleteVersion(info.Version), true
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				ids[info.Version] = !gone
				mu.Unlock()
				if _, err := f.get("k", 0, -1); err != nil {
					t.Errorf("the key has always had a version: %v", err)
				}
			}
		})
	}
	wg.Wait()
	page, err := f.store.ListVersions(t.Context(), "bucket", object.VersionQuery{Max: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if !ids[e.Info.Version] {
			t.Errorf("version %s was deleted, or never acknowledged", e.Info.Version)
		}
		delete(ids, e.Info.Version)
	}
	for id, there := range ids {
		if there {
			t.Errorf("version %s is lost", id)
		}
	}
	info, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: "k"})
	if err != nil || info.Version != page.Entries[0].Info.Version {
		t.Errorf("the newest is %s, the key has %s, %v", page.Entries[0].Info.Version, info.Version, err)
	}
	f.censusClean()
}

// TestVersionsAreHealed (RustFS #4400): versions, delete markers, heads and attributes come back to
// a drive that is replaced, byte for byte, and serve when the others are gone.
func TestVersionsAreHealed(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("null"))
	f.setVersioning(object.Enabled)
	big := pattern(3<<20, 7)
	f.mustPutVersion(big)
	if err := remove(t.Context(), f.store, "bucket", "k"); err != nil {
		t.Fatal(err)
	}
	id := f.upload("k")
	if err := f.part("k", id, 1, pattern(100, 9)); err != nil {
		t.Fatal(err)
	}
	if err := f.complete("k", id, map[int]int{1: 100}, 1); err != nil {
		t.Fatal(err)
	}
	last := f.mustPutVersion([]byte("last"))
	tags := []object.Pair{{Name: "a", Value: "b"}}
	if _, err := f.store.SetAttributes(t.Context(), object.Ref{Bucket: "bucket", Key: "k",
		Version: last}, func(i *object.Info) error { i.Attributes.Tags = tags; return nil }); err != nil {
		t.Fatal(err)
	}
	f.awaitSettles()
	for _, gone := range [][]int{{0, 1}, {2, 3}} {
		f.stop()
		f.wipe(gone[0])
		f.start()
		f.wantWhole(fmt.Sprint("drive ", gone[0], " replaced"))
		f.stop()
		f.wipe(gone[1])
		f.start()
		f.wantWhole(fmt.Sprint("drive ", gone[1], " replaced"))
	}
	f.censusClean()
	for _, away := range [][]int{{0, 1}, {2, 3}, {0, 3}} {
		f.restart(away...)
		f.wantVersions(fmt.Sprint("without ", away), "last", string(pattern(100, 9)), "marker",
			string(big), "null")
		info, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: "k"})
		if err != nil || !slices.Equal(info.Attributes.Tags, tags) {
			t.Errorf("tags %v, %v", info.Attributes.Tags, err)
		}
	}
}

// TestObjectLock: what is protected is not deleted, by its id, by anybody who may not.
func TestObjectLock(t *testing.T) {
	f := newFaulty(t, 4, 2)
	if _, err := f.store.PutObject(t.Context(), func() *object.Put {
		p := putOf("bucket", "k", nil)
		p.Attributes.LegalHold = object.HoldOn
		return p
	}()); !errors.Is(err, object.ErrNoLock) {
		t.Fatalf("a legal hold in a bucket without object lock: %v", err)
	}
	set := func(change func(*object.BucketSettings)) error {
		return f.store.SetBucket(t.Context(), "bucket", func(s *object.BucketSettings) error {
			change(s)
			return nil
		})
	}
	if err := set(func(s *object.BucketSettings) { s.Lock = true }); !errors.Is(err,
		object.ErrVersioning) {
		t.Fatalf("object lock without versioning: %v", err)
	}
	if err := set(func(s *object.BucketSettings) {
		s.Versioning, s.Lock = object.Enabled, true
		s.Default = object.DefaultRetention{Mode: object.Governance, Days: 1}
	}); err != nil {
		t.Fatal(err)
	}
	for _, state := range []object.Versioning{object.Suspended, object.Unversioned} {
		if err := set(func(s *object.BucketSettings) { s.Versioning = state }); !errors.Is(err,
			object.ErrVersioning) {
			t.Errorf("object lock with versioning %q: %v", state, err)
		}
	}
	v := f.mustPutVersion([]byte("kept"))
	ref := object.Ref{Bucket: "bucket", Key: "k", Version: v}
	try := func(what string, bypass bool, want error) {
		t.Helper()
		if _, err := f.store.DeleteObject(t.Context(), &object.Delete{Ref: ref, Bypass: bypass}); !errors.Is(
			err, want) {
			t.Fatalf("%s: %v, want %v", what, err, want)
		}
	}
	change := func(change func(*object.Attributes)) {
		t.Helper()
		if _, err := f.store.SetAttributes(t.Context(), ref, func(i *object.Info) error {
			change(&i.Attributes)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := f.store.Stat(t.Context(), ref)
	if left := time.Until(info.Attributes.Retention.Until); err != nil ||
		info.Attributes.Retention.Mode != object.Governance || left < 23*time.Hour ||
		left > 24*time.Hour {
		t.Fatalf("%+v, %v", info.Attributes, err)
	}
	try("default retention", false, object.ErrLocked)
	change(func(a *object.Attributes) { a.Retention.Mode = object.Compliance })
	f.restart()
	try("compliance", true, object.ErrLocked)
	change(func(a *object.Attributes) {
		a.Retention.Until, a.LegalHold = time.Now().Add(-time.Second), object.HoldOn
	})
	try("legal hold", true, object.ErrLocked)
	if err := remove(t.Context(), f.store, "bucket", "k"); err != nil {
		t.Fatalf("a delete marker above what is protected: %v", err)
	}
	// CVE-2023-25812 and its like: what cannot be read protects.
	for _, d := range f.faults {
		d.Set(faulty.Rule{Op: faulty.Lookup, Err: drive.ErrCorrupt,
			Match: func(key drive.Key, _ drive.Type) bool { return key.Space == drive.SpaceAttributes }})
	}
	try("unreadable attributes", true, object.ErrUnavailable)
	f.repair()
	change(func(a *object.Attributes) { a.LegalHold = object.HoldOff })
	try("the end", false, nil)
	f.wantVersions("the end", "marker")
}

// TestCompletedVersions: a Complete makes one version, however often it is repeated and wherever it
// was cut off, and an Abort takes nothing from it.
func TestCompletedVersions(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	body, sizes := pattern(1000, 3), map[int]int{1: 1000}
	begin := func() object.UploadID {
		id := f.upload("k")
		if err := f.part("k", id, 1, body); err != nil {
			t.Fatal(err)
		}
		return id
	}
	whole := string(body)
	id := begin()
	for range 3 {
		if err := f.complete("k", id, sizes, 1); err != nil {
			t.Fatal(err)
		}
	}
	f.wantVersions("repeated", whole)
	// Cut off between manifest and head, manifest and tombstone.
	for i, space := range []drive.Space{drive.SpaceHead, drive.SpaceUpload} {
		id := begin()
		f.refuse(space, drive.TypeDocument, drive.TypePurge)
		err := f.complete("k", id, sizes, 1)
		if (space == drive.SpaceHead) != errors.Is(err, object.ErrUnavailable) {
			t.Fatalf("cut %d: %v", i, err)
		}
		f.repair()
		f.mustPutVersion([]byte("above")) // it is not the newest any more
		if i == 0 {
			f.restart()
		}
		if err := f.store.AbortUpload(t.Context(), "bucket", "k", id); !errors.Is(err,
			object.ErrNoSuchUpload) {
			t.Fatalf("cut %d: abort of what is complete: %v", i, err)
		}
		if err := f.complete("k", id, sizes, 1); err != nil {
			t.Fatalf("cut %d: %v", i, err)
		}
	}
	f.wantVersions("cut off", "above", whole, "above", whole, whole)
	page, err := f.store.ListVersions(t.Context(), "bucket", object.VersionQuery{Prefix: "k", Max: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if err := f.deleteVersion(e.Info.Version); err != nil {
			t.Fatal(err)
		}
	}
	f.awaitSettles()
	f.censusClean() // their parts are gone with them
}

// TestListWhileNullsGo: a key that gets its first version while it loses its null version has been
// there all the time, and is in every list that is made meanwhile.
func TestListWhileNullsGo(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	const keys, few = 100, 1 // registers of a page of a drive, so that a list reads many
	name := func(i int) object.Key { return object.Key(fmt.Sprintf("k%03d", i)) }
	for i := range keys {
		f.mustPut(name(i), []byte("null"))
	}
	f.setVersioning(object.Enabled)
	change := func(key object.Key) {
		if err := f.put(key, []byte("version")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.DeleteObject(t.Context(), &object.Delete{Ref: object.Ref{
			Bucket: "bucket", Key: key, Version: object.NullVersion}}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	err = f.store.walkNewest(t.Context(), b, walkQuery{space: drive.SpaceObject, bucket: b.id,
		hint: few}, func(string, newest) (string, bool, error) {
		if listed++; listed == 1 {
			change(name(keys - 1)) // heads were read to their end, and objects were not
		}
		return "", true, nil
	})
	if err != nil || listed != keys {
		t.Errorf("%d of %d keys are listed, %v", listed, keys, err)
	}
	w := &versionWalk{store: f.store, ctx: t.Context(), bucket: b, hint: few,
		query: object.VersionQuery{Max: object.ListMax}}
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	change(name(keys - 2))
	if err := w.run(); err != nil || len(w.page.Entries) != keys {
		t.Errorf("%d of %d versions are listed, %v", len(w.page.Entries), keys, err)
	}
}

// awaitLate returns when no write to "k" that missed its quorum is on its way any more.
func (f *fixture) awaitLate() {
	f.t.Helper()
	b, err := f.store.bucket(f.t.Context(), "bucket")
	if err != nil {
		f.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); f.store.late.has(objectKey(b, "k")); {
		if time.Now().After(deadline) {
			f.t.Fatal("a write is on its way for ever")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAbortAsksEveryDrive: a version that was made of an upload, and reached one drive of two, may yet
// be decided: an Abort, which takes its parts away, must not overlook it.
func TestAbortAsksEveryDrive(t *testing.T) {
	f := newFaulty(t, 2, 1)
	f.setVersioning(object.Enabled)
	body := pattern(1000, 3)
	for round := range 12 { // a walk begins with a drive by chance
		id := f.upload("k")
		if err := f.part("k", id, 1, body); err != nil {
			t.Fatal(err)
		}
		lacks := round % 2
		f.faults[lacks].Set(faulty.Rule{Op: faulty.Commit, Err: errDevice,
			Match: func(_ drive.Key, kind drive.Type) bool { return kind == drive.TypeManifest }})
		if err := f.complete("k", id, map[int]int{1: 1000}, 1); !errors.Is(err, object.ErrUnavailable) {
			t.Fatal(err)
		}
		f.awaitLate()
		abort := func() error { return f.store.AbortUpload(t.Context(), "bucket", "k", id) }
		if err := abort(); !errors.Is(err, object.ErrUnavailable) {
			t.Fatalf("abort of what cannot be decided now: %v", err)
		}
		f.repair()
		err := abort()
		for deadline := time.Now().Add(10 * time.Second); errors.Is(err, object.ErrUnavailable) &&
			time.Now().Before(deadline); err = abort() { // what was refused may be on its way
			time.Sleep(time.Millisecond)
		}
		if !errors.Is(err, object.ErrNoSuchUpload) {
			t.Fatalf("abort of what is complete: %v", err)
		}
	}
	want := slices.Repeat([]string{string(body)}, 12)
	f.wantVersions("all of them", want...)
}
