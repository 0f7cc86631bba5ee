package erasure

import (
	"errors"
	"testing"

	"flashstore/engine/drive/faulty"
	"flashstore/engine/object"
)

// TestListBesideFreshDrive: what only drives that are silent, and one that was replaced, may hold is
// not left out of a list, which cannot be made then.
func TestListBesideFreshDrive(t *testing.T) {
	f := newFaulty(t, 4, 2)
	f.faults[3].Set(faulty.Rule{Op: faulty.Commit, Err: errDevice})
	f.mustPut("z", []byte("acknowledged"))
	for _, i := range []int{1, 2} {
		f.faults[i].Set(all(faulty.Rule{Err: errDevice}, faulty.Commit, faulty.Lookup, faulty.Scan)...)
	}
	if err := f.drives[0].Close(); err != nil {
		t.Fatal(err)
	}
	f.wipe(0)
	f.drives[0] = f.openDrive(0)
	if err := f.store.Join(0, 0, f.drives[0]); err != nil {
		t.Fatal(err)
	}
	page, err := f.store.List(t.Context(), "bucket", object.ListQuery{Prefix: "z", Max: 10})
	if !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("%d of 1 keys are listed, %v", len(page.Entries), err)
	}
}
