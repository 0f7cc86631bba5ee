package erasure

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// cutDeletion deletes a version whose tombstone no drive takes: its head is moved.
func (f *faultyFixture) cutDeletion(v object.VersionID) {
	f.t.Helper()
	f.refuse(drive.SpaceVersion, drive.TypePurge)
	if err := f.deleteVersion(v); !errors.Is(err, object.ErrUnavailable) {
		f.t.Fatal(err)
	}
	f.repair()
	f.awaitLate()
}

// TestCutDeletionIsFinished: whoever changes anything of a key finishes a deletion first that was cut
// off, since it was seen: it is not protected, and nothing that comes later brings it back.
func TestCutDeletionIsFinished(t *testing.T) {
	for name, next := range map[string]func(f *faultyFixture, gone object.VersionID) error{
		"put": func(f *faultyFixture, _ object.VersionID) error {
			return f.deleteVersion(f.mustPutVersion([]byte("three")))
		},
		"delete": func(f *faultyFixture, gone object.VersionID) error { return f.deleteVersion(gone) },
		"protect": func(f *faultyFixture, gone object.VersionID) error {
			_, err := f.store.SetAttributes(t.Context(), object.Ref{Bucket: "bucket", Key: "k",
				Version: gone}, func(i *object.Info) error {
				i.Attributes.LegalHold = object.HoldOn
				return nil
			})
			if !errors.Is(err, object.ErrNoSuchVersion) {
				return fmt.Errorf("what was deleted is protected: %w", err)
			}
			return nil
		},
		"condition": func(f *faultyFixture, _ object.VersionID) error {
			p := putOf("bucket", "k", []byte("three"))
			p.If.NoneMatch = []string{object.AnyETag}
			if _, err := f.store.PutObject(t.Context(), p); !errors.Is(err, object.ErrIfNoneMatch) {
				return fmt.Errorf("a version is there: %w", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, 4, 2)
			f.setVersioning(object.Enabled)
			f.mustPutVersion([]byte("one"))
			two := f.mustPutVersion([]byte("two"))
			f.cutDeletion(two)
			f.wantBody("k", []byte("one")) // the deletion is seen
			if err := next(f, two); err != nil {
				t.Fatal(err)
			}
			f.wantBody("k", []byte("one"))
			if _, err := f.store.Stat(t.Context(), object.Ref{Bucket: "bucket", Key: "k",
				Version: two}); !errors.Is(err, object.ErrNoSuchVersion) {
				t.Errorf("the version that was deleted: %v", err)
			}
			f.wantVersions(name, "one")
		})
	}
}

// TestLateDeletionOfWhatIsProtected: a deletion that was answered "unknown", and may yet arrive, does
// not meet a version that was protected meanwhile.
func TestLateDeletionOfWhatIsProtected(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	if err := f.store.SetBucket(t.Context(), "bucket", func(s *object.BucketSettings) error {
		s.Versioning, s.Lock = object.Enabled, true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	one := f.mustPutVersion([]byte("one"))
	f.mustPutVersion([]byte("two"))
	f.awaitSettles()
	f.set().commitTimeout = 50 * time.Millisecond
	for _, d := range f.drives {
		d.hang.Store(true) // tombstones wait
	}
	if err := f.deleteVersion(one); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	ref := object.Ref{Bucket: "bucket", Key: "k", Version: one}
	hold := func() error {
		_, err := f.store.SetAttributes(t.Context(), ref, func(i *object.Info) error {
			i.Attributes.LegalHold = object.HoldOn
			return nil
		})
		return err
	}
	if err := hold(); !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("protected while its deletion is on its way: %v", err)
	}
	for _, d := range f.drives {
		d.release(t)
	}
	f.set().commitTimeout = commitTimeoutDefault
	f.awaitLate()
	if err := hold(); !errors.Is(err, object.ErrNoSuchVersion) {
		t.Errorf("protected behind its deletion: %v", err)
	}
}

// TestRepeatedCompleteIsTheNewest: a Complete that was cut off before the head, and is repeated, is
// what the key has then.
func TestRepeatedCompleteIsTheNewest(t *testing.T) {
	for _, state := range []object.Versioning{object.Enabled, object.Suspended} {
		t.Run(string(state), func(t *testing.T) {
			f := newFaulty(t, 4, 2)
			f.setVersioning(object.Enabled)
			f.mustPutVersion([]byte("old"))
			f.setVersioning(state)
			body := pattern(1000, 3)
			id := f.upload("k")
			if err := f.part("k", id, 1, body); err != nil {
				t.Fatal(err)
			}
			f.refuse(drive.SpaceHead)
			complete := func() error { return f.complete("k", id, map[int]int{1: 1000}, 1) }
			if err := complete(); !errors.Is(err, object.ErrUnavailable) {
				t.Fatal(err)
			}
			f.repair()
			f.awaitLate()
			if err := complete(); err != nil {
				t.Fatal(err)
			}
			f.wantBody("k", body)
			f.wantVersions(string(state), string(body), "old")
		})
	}
}

// TestConditionMeetsWhatWasCutOff: a version whose head was not moved counts for a condition; one that
// fails of it has seen it, and so has everybody behind.
func TestConditionMeetsWhatWasCutOff(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	f.mustPutVersion([]byte("one"))
	f.refuse(drive.SpaceHead)
	if err := f.put("k", []byte("another")); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.repair()
	f.awaitLate()
	p := putOf("bucket", "k", []byte("three"))
	p.If.Match = []string{"etag-3"} // of "one"
	if _, err := f.store.PutObject(t.Context(), p); !errors.Is(err, object.ErrIfMatch) {
		t.Fatal(err)
	}
	f.wantBody("k", []byte("another"))
	p = putOf("bucket", "k", []byte("three"))
	p.If.Match = []string{"etag-7"}
	if _, err := f.store.PutObject(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	f.wantVersions("a condition", "three", "another", "one")
}

// TestHeadIsNotForgotten: a head that is a tombstone is kept while it hides a version whose deletion
// was cut off.
func TestHeadIsNotForgotten(t *testing.T) {
	a := newAging(t)
	a.setVersioning(object.Enabled)
	one := a.mustPutVersion([]byte("one"))
	a.cutDeletion(one)
	a.wantError("k", object.ErrNoSuchKey) // it is seen
	a.awaitSettles()
	a.clock = a.clock.Add(2 * time.Hour)
	a.restart() // the next term
	a.pass(25 * time.Hour)
	a.pass(25 * time.Hour)
	a.wantVersions("a head that hides a version")
	a.wantError("k", object.ErrNoSuchKey)
}

// TestVersionGoesForNull: a key that loses its version while it gets a null version is in every list of
// versions that is made meanwhile.
func TestVersionGoesForNull(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.setVersioning(object.Enabled)
	const keys, few = 100, 1
	name := func(i int) object.Key { return object.Key(fmt.Sprintf("k%03d", i)) }
	ids := make([]object.VersionID, keys)
	for i := range keys {
		info, err := f.store.PutObject(t.Context(), putOf("bucket", name(i), []byte("version")))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = info.Version
	}
	f.setVersioning(object.Suspended)
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	w := &versionWalk{store: f.store, ctx: t.Context(), bucket: b, hint: few,
		query: object.VersionQuery{Max: object.ListMax}}
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	last := name(keys - 2)
	f.mustPut(last, []byte("null"))
	if _, err := f.store.DeleteObject(t.Context(), &object.Delete{Ref: object.Ref{
		Bucket: "bucket", Key: last, Version: ids[keys-2]}}); err != nil {
		t.Fatal(err)
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(w.page.Entries, func(e object.VersionEntry) bool {
		return e.Info.Key == last && e.Newest
	}) || len(w.page.Entries) != keys {
		t.Errorf("%d of %d keys are listed, or %s is not", len(w.page.Entries), keys, last)
	}
}

// TestOneVersionOfAnUpload: a manifest that reached two drives, of which one is away, is not passed
// over by a Complete that is repeated: two versions of one upload would share their parts.
func TestOneVersionOfAnUpload(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	body := pattern(1000, 3)
	id := f.upload("k")
	if err := f.part("k", id, 1, body); err != nil {
		t.Fatal(err)
	}
	f.awaitSettles()
	for _, i := range []int{2, 3} {
		f.faults[i].Set(faulty.Rule{Op: faulty.Commit, Err: errDevice,
			Match: func(_ drive.Key, kind drive.Type) bool { return kind == drive.TypeManifest }})
	}
	complete := func() error { return f.complete("k", id, map[int]int{1: 1000}, 1) }
	if err := complete(); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.restart(1) // of the attempt nothing is known any more
	if err := complete(); err == nil {
		f.wantBody("k", body)
	} else if !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.join(1)
	if err := complete(); err != nil {
		t.Fatal(err)
	}
	f.wantWhole("all drives are here")
	f.wantVersions("a Complete that was repeated", string(body))
	f.awaitSettles()
	f.censusClean()
}

// TestConditionBehindCutNull: a null version whose deletion was cut off is gone for a condition, and
// what is written in its place is the newest, for good.
func TestConditionBehindCutNull(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.setVersioning(object.Enabled)
	f.mustPutVersion([]byte("one"))
	f.setVersioning(object.Suspended)
	f.mustPut("k", []byte("null"))
	f.awaitSettles()
	f.refuse(drive.SpaceObject, drive.TypePurge)
	if err := f.deleteVersion(object.NullVersion); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.repair()
	f.awaitLate()
	p := putOf("bucket", "k", []byte("another null"))
	p.If.Match = []string{"etag-3"} // of "one"
	if _, err := f.store.PutObject(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.wantVersions("a condition behind a deletion", "another null", "one")
		f.awaitSettles()
		f.restart()
		f.wantWhole("all drives are here")
	}
	f.censusClean()
}
