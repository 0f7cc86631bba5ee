package erasure

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// A write that reached k drives, below the write quorum, is answered as unknown; a read that
// meets it decides it, and from then on it survives the loss of m drives.
func TestUndecidedWriteIsDecidedBeforeItIsShown(t *testing.T) {
	for _, size := range []int{500, 3 << 20} {
		f := newFixture(t, 4, 2)
		f.bucket("bucket")
		f.mustPut("k", []byte("old"))
		rot := rotation(slot("bucket", "k"), 1, 4)
		late := []int{position(rot, 2, 4), position(rot, 3, 4)} // reads ask the others first
		f.shut(late...)
		f.failPut("k", pattern(size, 5))
		f.wantError("k", object.ErrUnavailable) // cannot be decided while they are shut
		f.open()
		f.wantBody("k", pattern(size, 5))
		if s := f.store.Stats(); s.Decided != 1 {
			t.Fatalf("decided %d", s.Decided)
		}
		f.restart(position(rot, 0, 4), position(rot, 1, 4)) // those that had it first
		f.wantBody("k", pattern(size, 5))
	}
}

// A read that meets only drives without an undecided write may serve the old version: the write
// was not acknowledged. Once anybody has seen it, everybody does.
func TestUndecidedWriteIsSeenByAllOrNobody(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.awaitSettles() // otherwise a read asks more drives than it must
	rot := rotation(slot("bucket", "k"), 1, 4)
	f.shut(position(rot, 0, 4), position(rot, 1, 4))
	f.failPut("k", []byte("newer"))
	f.open()
	seen := false // new, perhaps because it was healed already
	look := func(what string, size int64, err error) {
		t.Helper()
		if err != nil || size != 3 && size != 5 || seen && size == 3 {
			t.Fatalf("%s: %d bytes, seen before: %t, %v", what, size, seen, err)
		}
		seen = seen || size == 5
	}
	// Each LIST asks two drives of four, and others than the one before; a GET the two that lack it.
	for range 40 {
		page, err := f.store.List(context.Background(), "bucket", object.ListQuery{Max: 1})
		if err == nil && len(page.Entries) != 1 {
			t.Fatalf("%d keys are listed", len(page.Entries))
		}
		look("LIST", page.Entries[0].Info.SizeBytes, err)
		got, err := f.get("k", 0, -1)
		look("GET", int64(len(got)), err)
	}
	if !seen {
		t.Fatal("no LIST came upon the write, which is on two drives of four")
	}
	f.wantBody("k", []byte("newer"))
}

// A write on fewer than k drives never was acknowledged: the old version stays.
func TestMinorityWriteIsPassedOver(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.shut(0, 1, 2)
	f.failPut("k", []byte("new"))
	f.wantBody("k", []byte("old"))
	// With a drive away that might hold it, nobody can tell: 503, never a guess.
	f.restart(0, 1)
	f.wantError("k", object.ErrUnavailable)
	f.restart()
	f.wantBody("k", []byte("old"))
	// Once all drives have said so, behind a fence, it is discarded, and drives may go again.
	f.wantWhole("all drives are here")
	f.awaitSettles()
	f.restart(0, 1)
	f.wantBody("k", []byte("old"))
	f.restart()
	f.mustPut("k", []byte("newer"))
	f.wantBody("k", []byte("newer"))
}

// A restart decides what was left open, without being asked.
func TestStartDecidesLeftovers(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.shut(3, 0)
	for _, k := range []object.Key{"a", "b", "c"} {
		f.failPut(k, pattern(300<<10, 6))
	}
	f.restart()
	f.store.work.Wait()
	// And the document of the set's healing, which was saved at the stop.
	if s := f.store.Stats(); s.Decided != 4 {
		t.Fatalf("decided %d of 4", s.Decided)
	}
	f.restart(1, 2)
	for _, k := range []object.Key{"a", "b", "c"} {
		f.wantBody(k, pattern(300<<10, 6))
	}
}

// Below the write quorum the store is read-only and says so.
func TestReadOnlyBelowTheWriteQuorum(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("v"))
	f.restart(0, 3)
	if f.store.HasWriteQuorum() {
		t.Fatal("two of four drives: wants read-only")
	}
	f.wantBody("k", []byte("v"))
	if err := f.put("k", []byte("w")); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := remove(context.Background(), f.store, "bucket", "k"); !errors.Is(err,
		object.ErrUnavailable) {
		t.Fatal(err)
	}
	f.restart()
	f.wantBody("k", []byte("v"))
}

// A drive that was away while a key was deleted and overwritten resurrects nothing.
func TestReturningDriveResurrectsNothing(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("gone", pattern(1000, 1))
	f.mustPut("changed", pattern(1000, 2))
	f.restart(1)
	if err := remove(context.Background(), f.store, "bucket", "gone"); err != nil {
		t.Fatal(err)
	}
	f.mustPut("changed", pattern(2000, 3))
	f.restart()
	f.wantError("gone", object.ErrNoSuchKey)
	f.wantBody("changed", pattern(2000, 3))
	page, err := f.store.List(context.Background(), "bucket", object.ListQuery{Max: 10})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Info.Key != "changed" {
		t.Fatalf("list: %+v, %v", page, err)
	}
}

// TestClosedStoreWritesNowhere: what comes after Close is on no drive, rather than on those that
// are not closed yet.
func TestClosedStoreWritesNowhere(t *testing.T) {
	f := newFixture(t, 4, 2)
	s := f.store
	if err := s.CreateBucket(t.Context(), "before", object.BucketSettings{}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := s.CreateBucket(t.Context(), "after", object.BucketSettings{}); !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	for i, d := range f.drives {
		state, err := d.Lookup(t.Context(), bucketKey("after"), drive.LookupOptions{})
		if err != nil || len(state.Entries) > 0 {
			t.Errorf("drive %d: %d entries, %v", i, len(state.Entries), err)
		}
	}
}

// TestTombstoneOfOneDriveHidesNothing: a drive that missed a write and holds the settled tombstone
// below it does not say "absent" where the drives that have the write do not answer, or were not
// asked.
func TestTombstoneOfOneDriveHidesNothing(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.mustDelete("k")
	f.awaitSettles()
	rot := rotation(slot("bucket", "k"), 1, 4)
	first, second := position(rot, 0, 4), position(rot, 1, 4) // whom a GET asks
	f.shut(first)
	f.mustPut("k", []byte("new"))
	f.open()
	mute, err := faulty.New(faulty.Config{Drive: f.drives[second],
		Rules: []faulty.Rule{{Op: faulty.Lookup, Err: drive.ErrOffline}}})
	if err != nil {
		t.Fatal(err)
	}
	var d drive.Drive = mute
	f.set().slots[second].Store(&d)
	f.wantBody("k", []byte("new"))
	var away []int
	for i := range 4 {
		if i != first {
			away = append(away, i)
		}
	}
	f.restart(away...)
	f.wantError("k", object.ErrUnavailable)
	f.restart(away[0], away[1])
	f.wantBodyOrUnavailable("k", []byte("new"))
	f.restart()
	f.wantBody("k", []byte("new"))
}

func (f *fixture) wantBodyOrUnavailable(key object.Key, want []byte) {
	f.t.Helper()
	if got, err := f.get(key, 0, -1); !errors.Is(err, object.ErrUnavailable) &&
		(err != nil || !bytes.Equal(got, want)) {
		f.t.Fatalf("get %s: %d bytes, %v", key, len(got), err)
	}
}
