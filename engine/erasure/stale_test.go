package erasure

import (
	"slices"
	"testing"

	"flashstore/engine/drive"
)

// TestStale: who is of an earlier time, by what each drive remembers: its term, and the term of the
// newest write on it, 0 if only a term was raised.
func TestStale(t *testing.T) {
	type m [2]uint64
	for _, c := range []struct {
		parity int
		drives []m
		want   []int
	}{
		{2, []m{{5, 5}, {5, 5}, {5, 5}, {5, 4}}, nil},
		{2, []m{{4, 4}, {5, 5}, {5, 5}, {5, 5}}, nil}, // was away
		{2, []m{{4, 4}, {3, 3}, {5, 5}, {5, 5}}, []int{0, 1}},
		{2, []m{{4, 4}, {3, 3}, {5, 5}, {0, 0}}, []int{0, 1}},
		{2, []m{{4, 4}, {4, 4}, {5, 0}, {5, 0}}, nil}, // a start below the quorum
		{2, []m{{0, 0}, {0, 0}, {5, 5}, {5, 5}}, nil}, // blank: their "no" counts for nothing
		{2, []m{{6, 4}, {6, 4}, {6, 5}, {6, 5}}, nil}, // too late to tell
		{1, []m{{4, 4}, {5, 5}}, []int{0}},
		{1, []m{{4, 4}, {5, 5}, {5, 5}}, nil},
		{1, []m{{4, 4}, {4, 4}, {5, 5}}, []int{0, 1}},
		{0, []m{{4, 4}}, nil},
	} {
		var drives []Memory
		for _, d := range c.drives {
			seen := drive.Order{Term: d[1], Sequence: 7}
			if d[1] == 0 {
				seen = drive.Order{Term: d[0]}
			}
			drives = append(drives, Memory{Term: d[0], MaxSeen: seen})
		}
		if got, _ := Stale(drives, c.parity); !slices.Equal(got, c.want) {
			t.Errorf("%v with parity %d: %v, want %v", c.drives, c.parity, got, c.want)
		}
	}
	for term, want := range map[uint64][]int{4: {3}, 5: nil, 0: nil} { // others forgot those of term 4
		drives := slices.Repeat([]Memory{{6, drive.Order{Term: 6, Sequence: 1}, 4}}, 3)
		drives = append(drives, Memory{Term: term, MaxSeen: drive.Order{Term: term}})
		if got, _ := Stale(drives, 2); !slices.Equal(got, want) {
			t.Errorf("a drive of term %d: %v, want %v", term, got, want)
		}
	}
}

// TestReadOnlyStoreSendsNoSettles: they would be taken for writes of a term that may be on too few
// drives.
func TestReadOnlyStoreSendsNoSettles(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.shut(2, 3)
	f.failPut("k", nil)
	f.store.stop() // healing would send settles of its own as soon as it gets to the drives
	f.store.healing.Wait()
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	key := objectKey(b, "k")
	state, err := f.drives[0].Lookup(t.Context(), key, drive.LookupOptions{})
	if err != nil || state.Newest() == nil {
		t.Fatalf("%+v, %v", state, err)
	}
	late := make(chan error, 1) // arrives after all, so that no client was told and no settle sent
	f.drives[2].Drive.Commit(&state.Newest().Record, func(err error) { late <- err })
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	f.open()
	for _, writable := range []bool{false, true} {
		f.set().writable.Store(writable)
		before := f.store.Stats().Settled
		f.set().decide(t.Context(), key)
		if sent := f.store.Stats().Settled - before; (sent == 3) != writable || !writable && sent > 0 {
			t.Errorf("writable %v: %d settles", writable, sent)
		}
	}
	f.wantBody("k", nil)
}
