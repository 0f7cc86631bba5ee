package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestLostBulkSegment takes away the bulk segments of a drive: what they held is damaged, never
// "not here", and their numbers are not used again, so that what is released of the lost ones
// takes nothing of the new.
func TestLostBulkSegment(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	lost, lostToo := bulkObject(t, d, 1, 2<<20), bulkObject(t, d, 2, 2<<20)
	must(t, commit(d, lost))
	must(t, commit(d, lostToo))
	must(t, d.Close())
	segments, err := filepath.Glob(filepath.Join(c.Path, "bulk", "*"))
	must(t, err)
	for _, s := range segments {
		must(t, os.Remove(s))
	}
	report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
	must(t, err)
	for _, f := range report.Findings {
		if f.Kind != local.FindBulk {
			t.Errorf("%+v", f)
		}
	}
	if len(report.Findings) != 2 {
		t.Errorf("findings %+v", report.Findings)
	}
	d = open(t, c)
	s, err := d.Lookup(t.Context(), lost.Key, drive.LookupOptions{})
	must(t, err)
	err = d.Read(t.Context(), &s.Entries[0], [][]byte{make([]byte, lost.ShardBytes)}, 0)
	wantError(t, err, drive.ErrCorrupt, "00000001.seg")

	fresh := bulkObject(t, d, 3, 2<<20)
	must(t, commit(d, fresh))
	settled(t, d, purge(lost, 10))
	settled(t, d, purge(lostToo, 11))
	must(t, d.Close()) // gives back what was released
	d = open(t, c)
	holds(t, d, fresh, 3)
}

// TestRefusedDriveStaysAsItWas: what a crash left of unfinished and retired segments is removed
// by a start, not where the drive is refused.
func TestRefusedDriveStaysAsItWas(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	must(t, commit(d, object(1, 100)))
	must(t, d.Close())
	left := filepath.Join(c.Path, "log", "00000002.log.new")
	must(t, os.WriteFile(left, []byte("half"), 0o600))
	bulk := filepath.Join(c.Path, "bulk")
	must(t, os.Rename(bulk, bulk+".away"))
	_, err := local.Open(c)
	wantError(t, err, os.ErrNotExist, "bulk")
	if _, err := os.Stat(left); err != nil {
		t.Errorf("the drive was refused, and yet: %v", err)
	}
	must(t, os.Rename(bulk+".away", bulk))
	d = open(t, c)
	holds(t, d, object(1, 100), 1)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was unfinished is still there: %v", err)
	}
}

// TestUncommittedShardIsNoFinding: what a killed process wrote and never committed is given back by
// the next start, so a census before that counts it and finds nothing wrong.
func TestUncommittedShardIsNoFinding(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	must(t, commit(d, bulkObject(t, d, 1, 200_000)))
	bulkObject(t, d, 2, 300_000)
	c.Path = filepath.Join(t.TempDir(), "killed")
	copyTree(t, d.Info().Path, c.Path, "")
	for _, want := range []int64{300_000, 0} {
		report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
		must(t, err)
		if len(report.Findings) > 0 || report.UnreferencedBytes < want ||
			want == 0 && report.UnreferencedBytes > 0 {
			t.Errorf("%d bytes unreferenced, expected %d; findings %+v", report.UnreferencedBytes, want,
				report.Findings)
		}
		again := open(t, c)
		must(t, again.Compact(t.Context()))
		must(t, again.Close())
	}
}
