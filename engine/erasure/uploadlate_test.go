package erasure

import (
	"errors"
	"math/rand/v2"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// moods wraps the drives, so that what they are sent can be kept.
func (f *fixture) moods() []*moody {
	all := make([]*moody, f.n)
	for i, d := range f.drives {
		all[i] = &moody{Drive: d, random: rand.New(rand.NewPCG(1, 1))}
		var m drive.Drive = all[i]
		f.set().slots[i].Store(&m)
	}
	return all
}

// unknownComplete begins an upload of one part and has its Complete answered "unknown": the
// drives keep the manifest.
func (f *fixture) unknownComplete(drives []*moody, key object.Key, size int) object.UploadID {
	f.t.Helper()
	id := f.upload(key)
	if err := f.part(key, id, 1, pattern(size, 1)); err != nil {
		f.t.Fatal(err)
	}
	for _, d := range drives {
		d.set(hangingM)
	}
	f.set().commitTimeout = impatience
	if _, err := f.completeOne(key, id, size); !errors.Is(err, object.ErrUnavailable) {
		f.t.Fatalf("Complete with hanging drives: %v", err)
	}
	f.set().commitTimeout = commitTimeoutDefault
	for _, d := range drives {
		d.set(good)
	}
	return id
}

// arriveAll lets what drives kept arrive, and returns when they have it: commits are taken in
// order.
func (f *fixture) arriveAll(drives []*moody) {
	f.t.Helper()
	for _, d := range drives {
		d.release(false)
	}
	f.mustPut("behind", nil)
	f.awaitSettles()
}

// TestAbortWithAManifestOnItsWay: an Abort must not take the parts of an object that may yet
// appear, and with it what it would take the place of.
func TestAbortWithAManifestOnItsWay(t *testing.T) {
	for _, size := range []int{900, 3 << 20} {
		f := newFixture(t, 4, 2)
		f.bucket("bucket")
		f.mustPut("k", []byte("old"))
		drives := f.moods()
		id := f.unknownComplete(drives, "k", size)
		err := f.store.AbortUpload(t.Context(), "bucket", "k", id)
		if !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("Abort with a manifest on its way: %v", err)
		}
		f.wantBody("k", []byte("old"))
		f.arriveAll(drives)
		f.wantBody("k", pattern(size, 1))
		err = f.store.AbortUpload(t.Context(), "bucket", "k", id)
		if !errors.Is(err, object.ErrNoSuchUpload) {
			t.Errorf("Abort of what is complete: %v", err)
		}
		f.wantBody("k", pattern(size, 1))

		// One whose manifest is refused everywhere can be aborted.
		id = f.unknownComplete(drives, "k", size)
		for _, d := range drives {
			d.drop(false)
		}
		if err := f.store.AbortUpload(t.Context(), "bucket", "k", id); err != nil {
			t.Errorf("Abort of what cannot come: %v", err)
		}
		f.wantBody("k", pattern(size, 1))
		f.wantNoUploads()
	}
}

// TestPartOnItsWay: a part that was answered "unknown" and arrives behind the Complete does not
// take the place of the one that the object was made of.
func TestPartOnItsWay(t *testing.T) {
	for _, size := range []int{900, 3 << 20} {
		f := newFixture(t, 4, 2)
		f.bucket("bucket")
		drives := f.moods()
		id := f.upload("k")
		if err := f.part("k", id, 1, pattern(size, 1)); err != nil {
			t.Fatal(err)
		}
		for _, d := range drives {
			d.set(hangingP)
		}
		f.set().commitTimeout = impatience
		if err := f.part("k", id, 1, pattern(size+1, 1)); !errors.Is(err, object.ErrUnavailable) {
			t.Fatalf("UploadPart with hanging drives: %v", err)
		}
		f.set().commitTimeout = commitTimeoutDefault
		want := pattern(size, 1)
		if _, err := f.completeOne("k", id, size); err != nil {
			if !errors.Is(err, object.ErrUnavailable) {
				t.Errorf("Complete with a part on its way: %v", err)
			}
			want = nil
		}
		for _, d := range drives {
			d.set(good)
		}
		f.arriveAll(drives)
		f.wantState("k", want)
		if want == nil { // the newer part is there now
			if _, err := f.completeOne("k", id, size+1); err != nil {
				t.Error(err)
			}
			f.wantBody("k", pattern(size+1, 1))
		}
	}
}

// TestCompleteAgainTakesNothingBack: a Complete that is repeated after "unknown" does not
// overwrite what was acknowledged since, whether its first try arrived before that, arrives
// after it, or never.
func TestCompleteAgainTakesNothingBack(t *testing.T) {
	for _, arrives := range []string{"before", "between", "after", "never"} {
		t.Run(arrives, func(t *testing.T) {
			f := newFixture(t, 4, 2)
			f.bucket("bucket")
			drives := f.moods()
			id := f.unknownComplete(drives, "k", 3<<20)
			if arrives == "before" {
				f.arriveAll(drives)
				f.wantBody("k", pattern(3<<20, 1))
			}
			f.mustPut("k", []byte("newer"))
			if arrives == "between" {
				f.arriveAll(drives)
			}
			for range 2 {
				_, err := f.completeOne("k", id, 3<<20)
				onItsWay := arrives == "after" || arrives == "never"
				if err != nil && !errors.Is(err, object.ErrNoSuchUpload) &&
					!(onItsWay && errors.Is(err, object.ErrUnavailable)) {
					t.Errorf("Complete again: %v", err)
				}
				f.wantBody("k", []byte("newer"))
			}
			if arrives == "after" {
				f.arriveAll(drives)
			}
			for _, d := range drives {
				d.drop(false)
			}
			_, err := f.completeOne("k", id, 3<<20)
			if err != nil && !errors.Is(err, object.ErrNoSuchUpload) {
				t.Errorf("Complete in the end: %v", err)
			}
			f.wantBody("k", []byte("newer"))
			f.wantNoUploads()
			f.restart()
			f.wantBody("k", []byte("newer"))
		})
	}
}

// TestCompleteAgainWithoutATombstone: so it is too where the Complete was acknowledged and only the
// tombstone of the upload is missing.
func TestCompleteAgainWithoutATombstone(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	id := f.upload("k")
	if err := f.part("k", id, 1, pattern(3<<20, 1)); err != nil {
		t.Fatal(err)
	}
	f.hang()
	if _, err := f.completeOne("k", id, 3<<20); err != nil {
		t.Fatal(err)
	}
	f.wantBody("k", pattern(3<<20, 1))
	f.mustPut("k", []byte("newer"))
	f.arrive()
	_, err := f.completeOne("k", id, 3<<20)
	if err != nil && !errors.Is(err, object.ErrNoSuchUpload) {
		t.Errorf("Complete again: %v", err)
	}
	f.wantBody("k", []byte("newer"))
}

// TestCompleteAgainWaitsForWhatIsOnItsWay: a Complete is repeated while its first manifest and a PUT
// behind that are on their way. The PUT releases the first manifest with its parts, so there must be
// no second one above it.
func TestCompleteAgainWaitsForWhatIsOnItsWay(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	drives := f.moods()
	id := f.unknownComplete(drives, "k", 3<<20)
	f.set().commitTimeout = impatience
	for _, d := range drives {
		d.set(hanging)
	}
	if err := f.put("k", []byte("newer")); !errors.Is(err, object.ErrUnavailable) {
		t.Fatalf("PUT with hanging drives: %v", err)
	}
	for _, d := range drives {
		d.set(hangingM) // what a second Complete sends comes last
	}
	if _, err := f.completeOne("k", id, 3<<20); !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("Complete again: %v", err)
	}
	f.set().commitTimeout = commitTimeoutDefault
	for _, d := range drives {
		kept := d.take(false)
		for _, q := range kept[:2] { // the first manifest and the PUT
			d.Drive.Commit(q.record, q.done)
		}
		d.mu.Lock()
		d.mood, d.kept = good, kept[2:]
		d.mu.Unlock()
	}
	f.mustPut("behind", nil)
	f.wantBody("k", []byte("newer"))
	if _, err := f.store.List(t.Context(), "bucket", object.ListQuery{Max: 9}); err != nil {
		t.Fatal(err) // and settled
	}
	f.arriveAll(drives)
	f.wantBody("k", []byte("newer"))
	if _, err := f.completeOne("k", id, 3<<20); !errors.Is(err, object.ErrNoSuchUpload) {
		t.Errorf("Complete once more: %v", err)
	}
	f.wantBody("k", []byte("newer"))
	f.wantNoUploads()
}
