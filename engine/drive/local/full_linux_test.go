package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// smallDisk returns a path on a file system of so many bytes of its own. It is detached from
// the tree as soon as it is open and lives as long as the descriptor: not even a test that is
// killed leaves a mount behind.
func smallDisk(t *testing.T, sizeBytes int64) string {
	t.Helper()
	mount := t.TempDir()
	options := fmt.Sprintf("size=%d", sizeBytes)
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, options); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	dir, err := os.Open(mount)
	if unmounted := syscall.Unmount(mount, syscall.MNT_DETACH); unmounted != nil {
		t.Errorf("%s stays mounted: %v", mount, unmounted)
	}
	must(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	return fmt.Sprintf("/proc/self/fd/%d", dir.Fd())
}

// fill stores objects in bulk segments, numbered from first, until the drive is full.
func fill(t *testing.T, d *local.Drive, first uint64, size int) (all []*drive.Record) {
	t.Helper()
	for n := first; ; n++ {
		w, err := d.Create(t.Context(), int64(size))
		if err != nil {
			wantError(t, err, drive.ErrFull, "")
			return all
		}
		r := bulkRecord(t, w, n, size)
		if err := commit(d, r); err != nil {
			wantError(t, err, drive.ErrFull, "")
			return all
		}
		all = append(all, r)
	}
}

// TestFullDisk fills a small file system: an error without a torn record, deletions still
// work, and space that came back is used.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	c := config(e, filepath.Join(smallDisk(t, 64<<20), "d"))
	c.ReserveBytes, c.LogSegmentBytes = 16<<20, 1<<20
	must(t, local.Format(e, c.Path, identity))
	d := open(t, c)
	all := fill(t, d, 0, 1<<20)
	var err error
	for n := uint64(1000); err == nil; n++ { // less than the smallest segment is left
		err = commit(d, object(n, 100_000))
	}
	wantError(t, err, drive.ErrFull, "")
	if len(all) < 5 || d.Info().Health != drive.Online {
		t.Fatalf("%d objects fit; %+v", len(all), d.Info())
	}
	for n, r := range all[1:] {
		settled(t, d, purge(r, uint64(2000+n)))
	}
	eventually(t, "no space after deletions", func() bool {
		return commit(d, object(5000, 1000)) == nil
	})
	holds(t, d, all[0], 0)
	must(t, d.Close())
	noFindings(t, c)
}

// TestDiskSmallerThanASegment: the space above the reserve is used, although a segment of the
// usual size does not fit, and what is written into it holds.
func TestDiskSmallerThanASegment(t *testing.T) {
	t.Parallel()
	const diskBytes, reserveBytes, shardBytes = 40 << 20, 12 << 20, 200_000
	e := newEngine(t)
	c := config(e, filepath.Join(smallDisk(t, diskBytes), "d"))
	c.ReserveBytes, c.LogSegmentBytes, c.BulkSegmentBytes = reserveBytes, 1<<20, 0
	must(t, local.Format(e, c.Path, identity))
	d := open(t, c)
	room := d.Info().FreeBytes - reserveBytes
	all := fill(t, d, 0, shardBytes)
	t.Logf("%d shards of %d bytes in %d bytes above the reserve", len(all), shardBytes, room)
	if stored := int64(len(all)) * shardBytes; stored < room*3/4 {
		t.Fatalf("full after %d bytes; %d are free above the reserve", stored, room)
	}
	for n, r := range all {
		holds(t, d, r, uint64(n))
	}
	for n, r := range all[1:] {
		settled(t, d, purge(r, uint64(5000+n)))
	}
	eventually(t, "no space after deletions", func() bool {
		w, err := d.Create(t.Context(), 8<<20)
		if err == nil {
			w.Abort()
		}
		return err == nil
	})
	again := fill(t, d, 10_000, shardBytes)
	if len(again) < len(all)/2 {
		t.Fatalf("%d shards fit again, of %d before", len(again), len(all))
	}
	must(t, d.Close())
	noFindings(t, c)
	holds(t, open(t, c), again[0], 10_000)
}

// quota is a file system on which no more than leftBytes can be preallocated, although free
// space is reported.
type quota struct {
	ioengine.Engine
	ioengine.FileSystem
	leftBytes atomic.Int64
}

type quotaFile struct {
	ioengine.File
	quota *quota
}

func (q *quota) Files() ioengine.FileSystem { return q }

func (q *quota) Open(path string, flags ioengine.OpenFlags) (ioengine.File, error) {
	f, err := q.FileSystem.Open(path, flags)
	return quotaFile{f, q}, err
}

func (f quotaFile) Preallocate(offsetBytes, lengthBytes int64) error {
	if f.quota.leftBytes.Add(-lengthBytes) < 0 {
		f.quota.leftBytes.Add(lengthBytes)
		// As ext4 does it: a part stays.
		return errors.Join(syscall.EDQUOT, f.File.Preallocate(offsetBytes, lengthBytes/2))
	}
	return f.File.Preallocate(offsetBytes, lengthBytes)
}

// TestQuota: statfs(2) knows of no quota, so the smaller sizes are found by trying; when even
// the smallest does not fit, what is left in the other stream is used up.
func TestQuota(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	q := &quota{Engine: c.Engine, FileSystem: c.Engine.Files()}
	q.leftBytes.Store(1 << 40)
	c.Engine = q
	d := open(t, c)
	must(t, commit(d, object(1, 100)))
	q.leftBytes.Store(3 << 20) // segments of 2 and 1 MiB
	all := fill(t, d, 100, 256<<10)
	if len(all) != 12 {
		t.Fatalf("%d shards of 256 KiB fit into 3 MiB", len(all))
	}
	for n, r := range all {
		holds(t, d, r, uint64(100+n))
	}
	if i := d.Info(); i.Health != drive.Online {
		t.Fatalf("%+v", i)
	}
	must(t, d.Close())
	noFindings(t, c)
}
