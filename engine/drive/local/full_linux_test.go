package local_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestFullDisk fills a small file system: an error without a torn record, deletions still
// work, and space that came back is used.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, 0) })
	e := newEngine(t)
	c := config(e, filepath.Join(mount, "d"))
	c.ReserveBytes, c.LogSegmentBytes = 16<<20, 1<<20
	must(t, local.Format(e, c.Path, identity))
	d, err := local.Open(c)
	must(t, err)
	var all []*drive.Record
	for n := uint64(0); ; n++ {
		w, err := d.Create(1 << 20)
		if err != nil {
			wantError(t, err, drive.ErrFull, "")
			break
		}
		w.Abort()
		r := bulkObject(t, d, n, 1<<20)
		if err := commit(d, r); err != nil {
			wantError(t, err, drive.ErrFull, "")
			break
		}
		all = append(all, r)
	}
	wantError(t, commit(d, object(1000, 1000)), drive.ErrFull, "")
	if len(all) < 5 || d.Info().Health != drive.Online {
		t.Fatalf("%d objects fit; %+v", len(all), d.Info())
	}
	for n, r := range all[1:] {
		settled(t, d, purge(r, uint64(2000+n)))
	}
	eventually(t, "no space after deletions", func() bool {
		return commit(d, object(1001, 1000)) == nil
	})
	holds(t, d, all[0], 0)
	must(t, d.Close())
	noFindings(t, c)
}
