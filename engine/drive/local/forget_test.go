package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
)

// TestForget: a settled tombstone of an earlier term is dropped, for good, and nothing else is;
// what was written in its time is refused from then on, and the layout says that a log has such
// records.
func TestForget(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	h := newHistory(t, 1, d)
	dead := h.object()
	old := h.record(drive.TypePut, dead)
	late := h.record(drive.TypePut, dead)
	tomb := h.record(drive.TypePurge, dead)
	alive := h.record(drive.TypePut, drive.Key{Space: drive.SpaceObject, Bucket: drive.BucketID{7},
		Name: "alive"})
	for _, r := range []*drive.Record{old, tomb, alive} {
		h.commit(r)
	}
	refused := func(what string, r *drive.Record) {
		t.Helper()
		if err := commit(h.drive, r); !errors.Is(err, drive.ErrFenced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.term++
	raiseTerm(t, d, h.term)
	refused("no settle", forgetOf(tomb, h.term))
	for _, r := range []*drive.Record{tomb, alive} {
		h.about(r, drive.TypeSettle)
	}
	h.pending.Wait()
	refused("an object", forgetOf(alive, h.term))
	young := h.record(drive.TypePurge, drive.Key{Space: drive.SpaceObject,
		Bucket: drive.BucketID{7}, Name: "young"})
	h.commit(young)
	h.about(young, drive.TypeSettle)
	h.pending.Wait()
	refused("the present term", forgetOf(young, h.term))
	if layout := d.Info().Identity.Layout; layout != 1 {
		t.Errorf("layout %d before anything was forgotten", layout)
	}
	h.commit(forgetOf(tomb, h.term))
	h.commit(forgetOf(tomb, h.term)) // as well
	for _, how := range []string{"at once", "after a restart", "with a rebuilt index"} {
		if s, err := h.drive.Lookup(t.Context(), tomb.Key, drive.LookupOptions{}); err != nil ||
			len(s.Entries) > 0 {
			t.Errorf("%s: %+v, %v", how, s, err)
		}
		if err := commit(h.drive, late); !errors.Is(err, drive.ErrStaleTerm) {
			t.Errorf("%s: what came late: %v", how, err)
		}
		if layout := h.drive.Info().Identity.Layout; layout != 3 {
			t.Errorf("%s: layout %d", how, layout)
		}
		must(t, h.drive.Close())
		census(t, c)
		if how != "at once" {
			must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
		}
		h.drive = open(t, c)
	}
}

// TestForgottenUploadLeavesNoParts: the tombstone of an upload goes with its segment, while an
// older one holds the upload's parts: they do not come back when the index is made anew.
func TestForgottenUploadLeavesNoParts(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	s := &simulated{history: newHistory(t, 1, open(t, c)), config: c}
	upload, id := s.upload("big")
	s.commit(s.part(id, 1, 30_000))
	for files := 1; files < 3; files = len(logFiles(t, c)) { // they are made ahead
		name := "busy"
		if files == 1 { // what lives on in the first segment
			name = fmt.Sprint("alive-", s.next)
		}
		s.settleSoon(s.put(name, 60_000))
	}
	aborted := s.record(drive.TypePurge, upload)
	s.settleNow(aborted)
	s.term++
	raiseTerm(t, s.drive, s.term)
	s.commit(forgetOf(aborted, s.term))
	for range 99 { // all of this dies
		s.settleSoon(s.put("busy", 60_000))
	}
	s.settleNow(s.put("busy", 60_000))
	before := contents(t, s.drive)
	must(t, s.drive.Compact(t.Context()))
	if left := logFiles(t, c); filepath.Base(left[0]) != "00000001.log" ||
		filepath.Base(left[1]) == "00000002.log" {
		t.Fatalf("segments %v", left)
	}
	must(t, s.drive.Close())
	must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
	if after := contents(t, open(t, c)); after != before {
		t.Errorf("the rebuilt index is another\n%s", firstDifference(before, after))
	}
}
