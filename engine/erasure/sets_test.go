package erasure

import (
	"errors"
	"fmt"
	"testing"

	"flashstore/engine/object"
)

// TestSetSizes: any number of drives is split into sets of 1 to 16, alike in size.
func TestSetSizes(t *testing.T) {
	for drives, want := range map[int]string{1: "[1]", 4: "[4]", 16: "[16]", 17: "[9 8]",
		32: "[16 16]", 33: "[11 11 11]", 50: "[13 13 12 12]"} {
		if got := fmt.Sprint(SetSizes(drives)); got != want {
			t.Errorf("%d drives: %s, want %s", drives, got, want)
		}
	}
	for drives := 1; drives < 1000; drives++ {
		sum := 0
		for _, n := range SetSizes(drives) {
			if sum += n; n < 1 || n > setDrivesMax || drives > setDrivesMax && n < setDrivesMax/2 {
				t.Fatalf("%d drives: a set of %d", drives, n)
			}
		}
		if sum != drives {
			t.Fatalf("%d drives: sets of %d in all", drives, sum)
		}
	}
}

// TestSetsArePinned: golden vectors of set and rotation. A change would lose every key.
func TestSetsArePinned(t *testing.T) {
	for _, c := range []struct {
		bucket, key            string
		sets, n, set, rotation int
	}{
		{"bucket", "key", 1, 4, 0, 3},
		{"bucket", "key", 2, 16, 1, 9},
		{"bucket", "key", 3, 11, 1, 7},
		{"photos", "2026/11/ä b.jpg", 2, 16, 0, 5},
		{"photos", "2026/11/ä b.jpg", 7, 12, 5, 11},
		{"a.b-c", "/", 2, 9, 0, 4},
	} {
		hash := slot(c.bucket, c.key)
		set, rot := setOf(hash, c.sets), rotation(hash, c.sets, c.n)
		if set != c.set || rot != c.rotation {
			t.Errorf("%s/%s on %d sets of %d: set %d, rotation %d; want %d, %d", c.bucket, c.key,
				c.sets, c.n, set, rot, c.set, c.rotation)
		}
	}
}

// TestKeysSpread: over sets, and within a set over all rotations, nearly evenly.
func TestKeysSpread(t *testing.T) {
	const sets, n, each = 2, 16, 200
	var count [sets][n]int
	for i := range sets * n * each {
		hash := slot("bucket", fmt.Sprint("key-", i))
		count[setOf(hash, sets)][rotation(hash, sets, n)]++
	}
	for s := range count {
		for r, got := range count[s] {
			if got < each*3/4 || got > each*5/4 {
				t.Errorf("set %d, rotation %d: %d keys, %d expected", s, r, got, each)
			}
		}
	}
}

// TestTwoSets: all that a client does, on a store of two sets; each key is where it is looked for
// again, and one set that lost too many drives takes the keys of the other not along.
func TestTwoSets(t *testing.T) {
	f := newSets(t, 2, 4, 2)
	f.bucket("bucket")
	used := make(map[int][]object.Key)
	for i := range 20 {
		key := object.Key(fmt.Sprint("k", i))
		f.mustPut(key, pattern(100+i*50_000, uint64(i)))
		set := setOf(slot("bucket", string(key)), 2)
		used[set] = append(used[set], key)
	}
	if len(used[0]) == 0 || len(used[1]) == 0 {
		t.Fatalf("a set without keys: %v", used)
	}
	for range 5 { // each with an id of its own, and all of it with its key
		id := f.upload("big")
		for n, size := range map[int]int{1: partBytes, 2: 3000} {
			if err := f.part("big", id, n, pattern(size, uint64(n))); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.complete("big", id, map[int]int{1: partBytes, 2: 3000}, 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	if err := remove(t.Context(), f.store, "bucket", "k7"); err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.wantListed("big", "k0", "k1", "k10", "k11", "k12", "k13", "k14", "k15", "k16", "k17", "k18",
		"k19", "k2", "k3", "k4", "k5", "k6", "k8", "k9")
	f.wantBody("big", append(pattern(partBytes, 1), pattern(3000, 2)...))
	away := []int{0, 1, 2} // more than set 0 bears
	bucketSet := setOf(slot("bucket", ""), 2)
	for i := range away {
		away[i] += 4 * (1 - bucketSet)
	}
	f.restart(away...)
	for set, keys := range used {
		for _, key := range keys {
			_, err := f.get(key, 0, -1)
			switch {
			case set == bucketSet && key == "k7":
				if !errors.Is(err, object.ErrNoSuchKey) {
					t.Errorf("%s: %v", key, err)
				}
			case set == bucketSet && err != nil:
				t.Errorf("%s of the whole set: %v", key, err)
			case set != bucketSet && !errors.Is(err, object.ErrUnavailable):
				t.Errorf("%s of the broken set: %v", key, err)
			}
		}
	}
	if _, err := f.store.List(t.Context(), "bucket", object.ListQuery{Max: 9}); !errors.Is(err,
		object.ErrUnavailable) {
		t.Errorf("a list that cannot be whole: %v", err)
	}
}

// wantListed lists the bucket in pages of three.
func (f *fixture) wantListed(want ...object.Key) {
	f.t.Helper()
	var got []object.Key
	for q := (object.ListQuery{Max: 3}); ; {
		page, err := f.store.List(f.t.Context(), "bucket", q)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range page.Entries {
			got = append(got, e.Info.Key)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Fatalf("listed %v, want %v", got, want)
	}
}

// TestStorageClasses: an object of less redundancy is cut into more data shards, needs the quorum
// of its own, and is read by any of its shards that suffice.
func TestStorageClasses(t *testing.T) {
	for _, c := range []struct{ n, m, want int }{{1, 0, 0}, {2, 1, 1}, {3, 1, 1}, {4, 2, 1},
		{6, 3, 1}, {8, 4, 2}, {16, 4, 2}} {
		s := &set{n: c.n, k: c.n - c.m}
		if got := s.parityOf(object.ReducedRedundancy); got != c.want {
			t.Errorf("%d drives with parity %d: %d, want %d", c.n, c.m, got, c.want)
		}
	}
	for _, size := range []int{0, 10, 100_000, 3 << 20} {
		f := newFixture(t, 6, 3)
		f.bucket("bucket")
		p := putOf("bucket", "k", pattern(size, 1))
		p.Headers = append(p.Headers, object.Pair{Name: object.ClassField,
			Value: string(object.ReducedRedundancy)})
		if _, err := f.store.PutObject(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		f.awaitSettles()
		f.wantBody("k", pattern(size, 1))
		for i := range 6 {
			f.restart(i)
			f.wantBody("k", pattern(size, 1))
		}
		f.restart(1, 2)
		if size > 0 { // an empty object is whole on every drive
			f.wantError("k", object.ErrUnavailable)
		}
		f.restart()
		// On four drives it would be readable in the class of its set, and is not in its own.
		f.shut(0, 1)
		again := putOf("bucket", "k", pattern(size+1, 3))
		again.Headers = p.Headers
		if _, err := f.store.PutObject(t.Context(), again); !errors.Is(err, object.ErrUnavailable) {
			t.Fatalf("on four drives of six: %v", err)
		}
		f.wantBody("k", pattern(size, 1))
		f.open()
		f.mustPut("k", pattern(size+1, 2))
		f.awaitSettles()
		f.restart(0, 3, 4)
		f.wantBody("k", pattern(size+1, 2))
	}
}
