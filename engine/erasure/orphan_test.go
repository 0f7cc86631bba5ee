package erasure

import (
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/faulty"
)

// TestPartOfAnAbortedUpload: what some drives have dropped already does not come back, listed for
// repair or at a start, settled or not.
func TestPartOfAnAbortedUpload(t *testing.T) {
	for name, settled := range map[string]bool{"settled": true, "unsettled": false} {
		t.Run(name, func(t *testing.T) { partOfAnAbortedUpload(t, settled) })
	}
}

func partOfAnAbortedUpload(t *testing.T, settled bool) {
	f := newFaulty(t, 4, 2)
	id := f.upload("k")
	f.awaitSettles()
	refuse := func(i int, space drive.Space) {
		f.faults[i].Set(faulty.Rule{Op: faulty.Commit, Err: drive.ErrOffline,
			Match: func(key drive.Key, kind drive.Type) bool {
				return kind == drive.TypeSettle && key.Space >= space
			}})
	}
	for i := range f.faults {
		if !settled {
			refuse(i, drive.SpacePart)
		}
	}
	if err := f.part("k", id, 1, pattern(300_000, 1)); err != nil {
		t.Fatal(err)
	}
	if settled {
		f.awaitSettles()
	}
	for _, i := range []int{2, 3} { // they drop their parts later than others
		refuse(i, drive.SpaceUpload)
	}
	if err := f.store.AbortUpload(t.Context(), "bucket", "k", id); err != nil {
		t.Fatal(err)
	}
	b, err := f.store.bucket(t.Context(), "bucket")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := parseUploadID(id)
	for _, i := range []int{0, 1} {
		for held := 1; held > 0; {
			state, err := f.drives[i].Lookup(t.Context(), partKey(b, u, 1), drive.LookupOptions{})
			if err != nil {
				t.Fatal(err)
			}
			held = len(state.Entries)
		}
	}
	f.set().repairs.add(partKey(b, u, 1), false)
	f.heal(false)
	f.restart()
	f.wantWhole("all drives settle")
	f.awaitSettles()
	f.censusClean()
}
