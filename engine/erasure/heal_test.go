package erasure

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/drive/local"
	"flashstore/engine/object"
)

// wipe replaces drive i, whose store is stopped, by a fresh one in its slot.
func (f *fixture) wipe(positions ...int) {
	f.t.Helper()
	for _, i := range positions {
		if err := os.RemoveAll(f.path(i)); err != nil {
			f.t.Fatal(err)
		}
		if err := local.FormatJoining(f.io, f.path(i), drive.Identity{Deployment: "test",
			DriveID: fmt.Sprint(i, "-", time.Now().UnixNano()), Set: i / f.n, Position: i % f.n,
			Drives: f.n, Parity: f.m}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// heal waits for a pass over everything that begins now.
func (f *fixture) heal(scrub bool) HealStatus {
	f.t.Helper()
	if err := f.store.Healed(f.t.Context(), f.store.Heal(scrub)); err != nil {
		f.t.Fatal(err)
	}
	return f.store.Healing()[0]
}

func (f *fixture) wantWhole(what string) {
	f.t.Helper()
	if s := f.heal(false); !s.Whole {
		listed, _ := f.set().repairs.snapshot()
		f.t.Fatalf("%s: not whole: %+v, %+v", what, s, listed)
	}
}

// everything is a set of all kinds of registers: objects in the log and in bulk storage,
// overwritten and deleted ones, one made of parts, an upload under way, and two buckets.
type everything struct {
	*fixture
	upload object.UploadID
}

var everySize = []int{0, 1, 3000, 70_000, 200_000, 3 << 20}

func (f *fixture) fill() *everything {
	f.t.Helper()
	e := &everything{fixture: f}
	f.bucket("bucket")
	f.bucket("empty")
	for i, size := range everySize {
		f.mustPut(object.Key(fmt.Sprint("old-", i)), pattern(size/2, 7))
		f.mustPut(object.Key(fmt.Sprint("old-", i)), pattern(size, uint64(i)))
		f.mustPut(object.Key(fmt.Sprint("gone-", i)), pattern(size, uint64(i)))
		if err := remove(f.t.Context(), f.store, "bucket",
			object.Key(fmt.Sprint("gone-", i))); err != nil {
			f.t.Fatal(err)
		}
	}
	id := f.upload("parts")
	for n, size := range map[int]int{1: partBytes, 2: 1000} {
		if err := f.part("parts", id, n, pattern(size, uint64(n))); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := f.complete("parts", id, map[int]int{1: partBytes, 2: 1000}, 1, 2); err != nil {
		f.t.Fatal(err)
	}
	e.upload = f.upload("begun")
	if err := f.part("begun", e.upload, 4, pattern(300_000, 4)); err != nil {
		f.t.Fatal(err)
	}
	return e
}

// check reads all of it.
func (e *everything) check() {
	e.t.Helper()
	for i, size := range everySize {
		e.wantBody(object.Key(fmt.Sprint("old-", i)), pattern(size, uint64(i)))
		e.wantError(object.Key(fmt.Sprint("gone-", i)), object.ErrNoSuchKey)
	}
	e.wantBody("parts", append(pattern(partBytes, 1), pattern(1000, 2)...))
	e.wantError("begun", object.ErrNoSuchKey)
	parts, _, err := e.store.ListParts(e.t.Context(), "bucket", "begun", e.upload, 0, 10)
	if err != nil || len(parts) != 1 || parts[0].Number != 4 || parts[0].Info.SizeBytes != 300_000 {
		e.t.Fatalf("parts of the upload under way: %+v, %v", parts, err)
	}
	e.wantListed("old-0", "old-1", "old-2", "old-3", "old-4", "old-5", "parts")
	if all, err := e.store.ListBuckets(e.t.Context()); err != nil || len(all) != 2 {
		e.t.Fatalf("buckets: %+v, %v", all, err)
	}
}

// finish completes the upload that was under way and reads it.
func (e *everything) finish() {
	e.t.Helper()
	if err := e.fixture.complete("begun", e.upload, map[int]int{4: 300_000}, 4); err != nil {
		e.t.Fatal(err)
	}
	e.wantBody("begun", pattern(300_000, 4))
}

// TestReplacedDriveIsHealed: a fresh drive in the slot of any other gets all versions, tombstones,
// parts and documents; from then on it says "no", and carries what others lose.
func TestReplacedDriveIsHealed(t *testing.T) {
	for _, c := range []struct{ n, m, lost int }{{2, 1, 1}, {3, 1, 1}, {4, 2, 1}, {4, 2, 2}, {6, 3, 2}} {
		t.Run(fmt.Sprintf("%d of %d+%d", c.lost, c.n-c.m, c.m), func(t *testing.T) {
			f := newFixture(t, c.n, c.m)
			e := f.fill()
			f.awaitSettles()
			f.stop()
			fresh := make([]int, c.lost)
			for i := range fresh {
				fresh[i] = (i*2 + 1) % c.n
			}
			f.wipe(fresh...)
			f.start()
			e.check()
			f.wantWhole("healed")
			for i, d := range f.drives {
				if mark := d.Info().CompleteFrom; mark != (drive.Order{}) {
					t.Errorf("drive %d is complete from %v", i, mark)
				}
			}
			e.check()
			f.awaitSettles()
			// Whatever m drives go, the fresh ones stay.
			var away []int
			for i := range c.n {
				if len(away) < c.m && !contains(fresh, i) {
					away = append(away, i)
				}
			}
			f.restart(away...)
			e.check()
			f.restart()
			f.wantWhole("all back")
			e.finish()
			f.awaitSettles()
			f.censusClean()
		})
	}
}

// TestReturningDriveIsHealed: a drive that was away while all of it was written, overwritten and
// deleted.
func TestReturningDriveIsHealed(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	for i := range 20 {
		f.mustPut(object.Key(fmt.Sprint("before-", i)), pattern(1000*i, 1))
	}
	f.stop()
	f.start(2)
	if err := remove(t.Context(), f.store, "bucket", "before-7"); err != nil {
		t.Fatal(err)
	}
	f.mustPut("before-8", pattern(90_000, 9))
	f.mustPut("after", pattern(500_000, 3))
	if s := f.heal(false); s.Whole || s.Short == 0 || len(s.Incomplete) != 1 {
		t.Fatalf("with a drive away: %+v", s)
	}
	f.restart()
	f.wantWhole("the drive is back")
	f.awaitSettles()
	f.censusClean()
	f.restart(0, 1)
	f.wantError("before-7", object.ErrNoSuchKey)
	f.wantBody("before-8", pattern(90_000, 9))
	f.wantBody("after", pattern(500_000, 3))
	f.wantBody("before-19", pattern(19_000, 1))
}

// TestDriveJoinsWhileServing: a slot gets a fresh drive, and then its old one back, without a
// restart.
func TestDriveJoinsWhileServing(t *testing.T) {
	f := newFixture(t, 4, 2)
	e := f.fill()
	f.awaitSettles()
	f.restart(3)
	e.check()
	f.wipe(3)
	f.join(3)
	e.check()
	f.mustPut("new", pattern(100_000, 1))
	f.wantWhole("joined")
	if err := remove(t.Context(), f.store, "bucket", "new"); err != nil {
		t.Fatal(err)
	}
	f.awaitSettles()
	f.restart(0, 1)
	e.check()
	f.join(0)
	f.join(1)
	f.wantWhole("the others are back")
	e.finish()
	f.awaitSettles()
	f.censusClean()
}

// join puts drive i into its place in the store that runs.
func (f *fixture) join(i int) {
	f.t.Helper()
	f.drives[i] = f.openDrive(i)
	if err := f.store.Join(i/f.n, i%f.n, f.drives[i]); err != nil {
		f.t.Fatal(err)
	}
}

// TestUndecidedKeyKeepsTheMark: while what one register holds cannot be told, a fresh drive's "no"
// does not count, and nothing of it is thrown away; once it can be told, the drive is complete.
func TestUndecidedKeyKeepsTheMark(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", []byte("old"))
	f.awaitSettles()
	f.shut(0, 1, 2)
	f.failPut("k", []byte("new")) // on drive 3 alone
	f.stop()
	f.wipe(0)
	f.start(1) // away: it might hold the write, and so might what was on drive 0
	f.wantError("k", object.ErrUnavailable)
	if s := f.heal(false); s.Whole || s.Undecided == 0 {
		t.Fatalf("%+v", s)
	}
	if f.drives[0].Info().CompleteFrom == (drive.Order{}) {
		t.Fatal("a drive that never saw the key says no")
	}
	f.join(1)
	f.wantWhole("the drive that was away is back")
	f.wantBody("k", []byte("old"))
	if s := f.store.Stats(); s.LostUndecided != 0 {
		t.Errorf("%d writes were discarded", s.LostUndecided)
	}
}

// TestUndecidedBucketKeepsTheMark is the same of a bucket, which no visit of parts looks at again.
func TestUndecidedBucketKeepsTheMark(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.awaitSettles()
	f.shut(0, 1, 2)
	if err := f.store.CreateBucket(t.Context(), "bucket", object.BucketSettings{}); !errors.Is(err, object.ErrUnavailable) {
		t.Fatal(err) // on drive 3 alone
	}
	f.stop()
	f.wipe(0)
	f.start(1)
	if s := f.heal(false); s.Whole {
		t.Fatalf("%+v", s)
	}
	if f.drives[0].Info().CompleteFrom == (drive.Order{}) {
		t.Fatal("a drive that never saw the bucket says no")
	}
	f.join(1)
	f.wantWhole("the drive that was away is back")
}

// TestLostWriteIsDiscarded: what one drive holds of a write that all other drives that might have
// held it have lost was never acknowledged: it is discarded, counted, and the older version served.
func TestLostWriteIsDiscarded(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", pattern(100_000, 1))
	f.awaitSettles()
	f.shut(0, 1, 2)
	f.failPut("k", pattern(100_000, 2)) // on drive 3 alone
	f.stop()
	f.wipe(0, 1)
	f.start()
	f.wantError("k", object.ErrUnavailable) // on drives 0, 1 and 3 it would be on the quorum
	f.wantWhole("healed")
	f.wantBody("k", pattern(100_000, 1))
	// And perhaps the document of healing, which was saved at the stop.
	if s := f.store.Stats(); s.LostUndecided < 1 || s.LostUndecided > 2 {
		t.Errorf("%d writes were discarded", s.LostUndecided)
	}
	f.restart()
	f.wantBody("k", pattern(100_000, 1))
	f.awaitSettles()
	f.censusClean()
}

// TestTooManyBlankDrives: more drives than parity were exchanged by mistake. Nothing is served that
// is not certain, nothing is purged, and with the drives put back all is there.
func TestTooManyBlankDrives(t *testing.T) {
	f := newFixture(t, 4, 2)
	e := f.fill()
	f.awaitSettles()
	f.stop()
	for i := range 3 {
		if err := os.Rename(f.path(i), f.path(i)+".kept"); err != nil {
			t.Fatal(err)
		}
	}
	f.wipe(0, 1, 2)
	f.start()
	for i, size := range everySize {
		_, err := f.get(object.Key(fmt.Sprint("old-", i)), 0, -1)
		if size > 0 && !errors.Is(err, object.ErrUnavailable) { // an empty one is whole on each drive
			t.Errorf("object %d: %v", i, err)
		}
	}
	if s := f.heal(true); s.Whole {
		t.Errorf("%+v", s)
	}
	for i, size := range everySize { // the last copy of anything stays where it is
		if size > 0 && !f.holds(3, object.Key(fmt.Sprint("old-", i))) {
			t.Errorf("the shard of object %d was discarded", i)
		}
	}
	f.stop()
	for i := range 3 {
		if err := errors.Join(os.RemoveAll(f.path(i)), os.Rename(f.path(i)+".kept",
			f.path(i))); err != nil {
			t.Fatal(err)
		}
	}
	f.start()
	e.check()
	f.wantWhole("the drives are back")
	f.awaitSettles()
	f.censusClean()
}

// censusClean stops the store, wants nothing to be wrong on its drives or between them, and starts
// it again.
func (f *fixture) censusClean() {
	f.t.Helper()
	f.stop()
	for first := 0; first < f.sets*f.n; first += f.n {
		f.censusOfSet(first)
	}
	f.start()
}

func (f *fixture) censusOfSet(first int) {
	f.t.Helper()
	shelves, forgot := make([]Shelf, f.n), make([]uint64, f.n)
	for i := range shelves {
		path := f.path(first + i)
		report, err := local.Census(f.t.Context(), f.io, path, nil)
		if err != nil || report.FindingsTotal > 0 {
			f.t.Errorf("drive %d: %+v, %v", first+i, report.Findings, err)
		}
		r, err := local.OpenRegisters(f.io, path)
		if err != nil {
			f.t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		shelves[i], forgot[i] = r.All, r.Forgot()
	}
	if _, err := Census(f.t.Context(), CensusConfig{Drives: shelves, Parity: f.m, Forgot: forgot,
		Find: func(found Finding) { f.t.Errorf("census: %+v", found) }}); err != nil {
		f.t.Fatal(err)
	}
}

// holds reports whether a drive has an entry of an object.
func (f *fixture) holds(i int, key object.Key) bool {
	f.t.Helper()
	b, err := f.store.bucket(f.t.Context(), "bucket")
	if err != nil { // the document may be beyond reach; its id is what the drive says
		page, scanErr := f.drives[i].Scan(f.t.Context(), drive.ScanQuery{Space: drive.SpaceDocument,
			Prefix: bucketPrefix + "bucket", Max: 1})
		if scanErr != nil || len(page.Registers) != 1 {
			f.t.Fatalf("%v, %v", err, scanErr)
		}
		if b, err = readBucket("bucket", &page.Registers[0].State.Newest().Record); err != nil {
			f.t.Fatal(err)
		}
	}
	state, err := f.drives[i].Lookup(f.t.Context(), objectKey(b, key), drive.LookupOptions{})
	return err == nil && len(state.Entries) > 0
}

// TestIncompleteStays: a fresh drive that did not take one copy says no to nothing, until it has.
func TestIncompleteStays(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.restart(0)
	f.wipe(0)
	f.drives[0] = f.openDrive(0)
	f.faults[0].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrFull,
		Match: func(key drive.Key, kind drive.Type) bool {
			return key.Name == "kept-2" && kind == drive.TypePut
		}})
	if err := f.store.Join(0, 0, f.drives[0]); err != nil {
		t.Fatal(err)
	}
	if s := f.heal(false); s.Whole || s.Short != 1 || len(s.Incomplete) != 1 {
		t.Errorf("%+v", s)
	}
	if f.drives[0].Info().CompleteFrom == (drive.Order{}) {
		t.Fatal("the drive says no to what it did not take")
	}
	f.faults[0].Set()
	f.wantWhole("it takes everything")
	if mark := f.drives[0].Info().CompleteFrom; mark != (drive.Order{}) {
		t.Errorf("complete from %v", mark)
	}
}
