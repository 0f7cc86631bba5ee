package erasure

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// TestCutAfterEachCommit: an overwrite, a delete and a Complete end behind the commits of some
// drives only, for each choice of those, and the process with them. The acknowledged state or the
// new one is there then, the same for everybody from then on, or 503 while drives are away; it is
// never lost.
func TestCutAfterEachCommit(t *testing.T) {
	old, fresh := pattern(150_000, 1), pattern(200_000, 2)
	for what, op := range map[string]func(f *fixture, id object.UploadID) error{
		"overwrite": func(f *fixture, _ object.UploadID) error { return f.put("k", fresh) },
		"delete": func(f *fixture, _ object.UploadID) error {
			return remove(f.t.Context(), f.store, "bucket", "k")
		},
		"complete": func(f *fixture, id object.UploadID) error {
			return f.complete("k", id, map[int]int{1: len(fresh)}, 1)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 4, 2)
			f.bucket("bucket")
			for mask := uint(0); mask < 16; mask++ {
				f.mustPut("k", old)
				id := f.upload("k")
				if err := f.part("k", id, 1, fresh); err != nil {
					t.Fatal(err)
				}
				f.awaitSettles()
				f.shut(inMask(^mask, 4)...)
				acked := op(f, id) == nil
				for _, d := range f.drives {
					d.pending.Wait()
				}
				f.restart(int(mask) % 4)
				first := f.seen("k", old, fresh, what == "delete")
				f.restart()
				second := f.seen("k", old, fresh, what == "delete")
				if second == "unavailable" || first == "new" && second == "old" ||
					acked && second == "old" {
					t.Fatalf("committed on %v, acknowledged: %v: first %s, then %s", inMask(mask, 4), acked,
						first, second)
				}
				f.wantWhole(fmt.Sprint(what, " on ", inMask(mask, 4)))
				f.restart((int(mask) + 1) % 4)
				if third := f.seen("k", old, fresh, what == "delete"); third == "unavailable" ||
					second == "new" && third == "old" {
					t.Fatalf("committed on %v: %s, and then %s", inMask(mask, 4), second, third)
				}
				f.restart()
				_ = f.store.AbortUpload(t.Context(), "bucket", "k", id)
			}
			f.wantWhole("at the end")
			f.awaitSettles()
			f.censusClean()
		})
	}
}

// seen is what a read finds: old, new or unavailable.
func (f *fixture) seen(key object.Key, old, fresh []byte, deleted bool) string {
	f.t.Helper()
	got, err := f.get(key, 0, -1)
	switch {
	case errors.Is(err, object.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, object.ErrNoSuchKey) && deleted, err == nil && slices.Equal(got, fresh):
		return "new"
	case err == nil && slices.Equal(got, old):
		return "old"
	}
	f.t.Fatalf("%s: %d bytes, %v", key, len(got), err)
	return ""
}

// TestShardFailsInMidStream (RustFS #4309): a drive fails in the middle of its shard. It does not
// count for the quorum: the object survives as many further losses as were promised, and is healed.
func TestShardFailsInMidStream(t *testing.T) {
	for victim := range 4 {
		f := newFaulty(t, 4, 2)
		f.faults[victim].Set(faulty.Rule{Op: faulty.Write, Skip: 1, Err: errDevice})
		f.mustPut("k", pattern(5<<20, 9))
		f.faults[victim].Set()
		b, err := f.store.bucket(t.Context(), "bucket")
		if err != nil {
			t.Fatal(err)
		}
		f.awaitSettles()
		for i, d := range f.drives {
			state, err := d.Lookup(t.Context(), objectKey(b, "k"), drive.LookupOptions{})
			if held := len(state.Entries) == 1; err != nil || !held && i != victim {
				t.Fatalf("drive %d: %d entries, %v", i, len(state.Entries), err)
			}
		}
		f.wantWhole("healed")
		f.restart((victim+1)%4, (victim+2)%4)
		f.wantBody("k", pattern(5<<20, 9))
	}
}

// TestDrivesAppearOneByOne (MinIO #14053, #14380): a set starts with one drive, then two, then
// three. Drives that are not there yet are not taken for objects that are not there.
func TestDrivesAppearOneByOne(t *testing.T) {
	f := newFixture(t, 4, 2)
	e := f.fill()
	f.awaitSettles()
	for here := 1; here <= 4; here++ {
		var away []int
		for i := here; i < 4; i++ {
			away = append(away, i)
		}
		f.restart(away...)
		if s := f.heal(true); s.Whole != (here == 4) {
			t.Fatalf("with %d drives: %+v", here, s)
		}
		for i, size := range everySize {
			got, err := f.get(object.Key(fmt.Sprint("old-", i)), 0, -1)
			if err == nil && len(got) != size || err != nil && !errors.Is(err, object.ErrUnavailable) {
				t.Fatalf("with %d drives: object %d: %d bytes, %v", here, i, len(got), err)
			}
		}
	}
	e.check()
	f.awaitSettles()
	f.censusClean()
}

// TestTenThousandChangesWhileAway (RustFS #5692, #5029; MinIO #9931): a drive is away while 10,000
// keys are deleted and overwritten. None comes back with it, and none is listed that cannot be
// read.
func TestTenThousandChangesWhileAway(t *testing.T) {
	const keys = 5000
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	all := func(do func(i int) error) {
		t.Helper()
		var wg sync.WaitGroup
		var failed atomic.Pointer[error]
		for worker := range 64 {
			wg.Go(func() {
				for i := worker; i < keys; i += 64 {
					if err := do(i); err != nil {
						failed.Store(&err)
						return
					}
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			t.Fatal(*err)
		}
	}
	key := func(i int) object.Key { return object.Key(fmt.Sprintf("k%05d", i)) }
	all(func(i int) error { return f.put(key(i), pattern(100, uint64(i))) })
	f.awaitSettles()
	f.restart(2)
	all(func(i int) error { return f.put(key(i), pattern(120, uint64(i))) })
	all(func(i int) error {
		if i%2 == 0 {
			return nil
		}
		return remove(t.Context(), f.store, "bucket", key(i))
	})
	f.restart()
	listed := 0
	for q := (object.ListQuery{Max: 1000}); ; {
		page, err := f.store.List(t.Context(), "bucket", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.Info.Key != key(listed*2) || e.Info.SizeBytes != 120 {
				t.Fatalf("listed %s of %d bytes, want %s", e.Info.Key, e.Info.SizeBytes, key(listed*2))
			}
			listed++
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if listed != keys/2 {
		t.Fatalf("%d keys listed", listed)
	}
	f.wantWhole("the drive is back")
	f.awaitSettles()
	f.restart(0, 1)
	all(func(i int) error {
		got, err := f.get(key(i), 0, -1)
		if i%2 == 1 && errors.Is(err, object.ErrNoSuchKey) || err == nil && i%2 == 0 &&
			slices.Equal(got, pattern(120, uint64(i))) {
			return nil
		}
		return fmt.Errorf("%s: %d bytes, %w", key(i), len(got), err)
	})
	f.restart()
	f.censusClean()
}

// TestListIsOneAnswer (MinIO #14635; RustFS #6218): with drives that missed changes a list is the
// same every time, and names what can be read and nothing else.
func TestListIsOneAnswer(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	for i := range 20 {
		f.mustPut(object.Key(fmt.Sprintf("k%02d", i)), pattern(i, 1))
	}
	f.awaitSettles()
	f.restart(1)
	want := []object.Key{}
	for i := range 20 {
		key := object.Key(fmt.Sprintf("k%02d", i))
		if i%3 == 0 {
			if err := remove(t.Context(), f.store, "bucket", key); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want = append(want, key)
	}
	f.mustPut("new", nil)
	want = append(want, "new")
	f.restart() // heals meanwhile: no list may tell
	for range 100 {
		f.wantListed(want...)
	}
	for _, key := range want {
		if _, err := f.get(key, 0, -1); err != nil {
			t.Errorf("%s is listed: %v", key, err)
		}
	}
	for i := 0; i < 20; i += 3 {
		f.wantError(object.Key(fmt.Sprintf("k%02d", i)), object.ErrNoSuchKey)
	}
}
