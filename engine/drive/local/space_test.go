package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// settled commits r and settles it, lazily: the settle rides with the next batch.
func settled(t testing.TB, d *local.Drive, r *drive.Record) {
	t.Helper()
	must(t, commit(d, r))
	d.Commit(&drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order, Token: r.Token,
		WriteID: r.WriteID}, nil)
}

// purge is a tombstone above r.
func purge(r *drive.Record, n uint64) *drive.Record {
	p := inlineRecord(n)
	p.Type, p.Key, p.Inline, p.ShardBytes = drive.TypePurge, r.Key, nil, 0
	return p
}

// diskBytes is what the files below path occupy.
func diskBytes(t testing.TB, path string) (sum int64) {
	t.Helper()
	must(t, filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		if err == nil {
			sum += i.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	}))
	return sum
}

// eventually waits for something another goroutine does.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// TestSettlePunches: released shards leave the disk, those of a MiB and more at once, and
// segments in which nothing lives as a whole; the census agrees.
func TestSettlePunches(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	var all []*drive.Record
	for n := range uint64(30) { // 45 MiB, so that several segments of 8 MiB are full
		all = append(all, bulkObject(t, d, n, 3<<19))
		must(t, commit(d, all[n]))
	}
	bulk := filepath.Join(c.Path, "bulk")
	before := diskBytes(t, bulk)
	for n, r := range all[:28] {
		settled(t, d, purge(r, uint64(100+n)))
	}
	eventually(t, "the space does not come back", func() bool {
		return diskBytes(t, bulk) <= before-28*3<<19
	})
	names, err := os.ReadDir(bulk)
	must(t, err)
	if len(names) > 4 {
		t.Fatalf("%d segments are left", len(names))
	}
	holds(t, d, all[28], 28)
	must(t, d.Close())
	if have := diskBytes(t, bulk); have > 2*3<<19+64<<10 {
		t.Fatalf("%d bytes for two shards", have)
	}
	noFindings(t, c)
	d = open(t, c)
	holds(t, d, all[29], 29)
}

func noFindings(t testing.TB, c local.Config) {
	t.Helper()
	report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
	must(t, err)
	if len(report.Findings) != 0 {
		t.Fatalf("findings %+v", report.Findings)
	}
}

// TestCensus damages a drive in each way that a census must tell.
func TestCensus(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	small, big := object(1, 3000), bulkObject(t, d, 2, 300_000)
	must(t, commit(d, small))
	must(t, commit(d, big))
	short := bulkObject(t, d, 4, 200_000) // too short to be punched at once
	must(t, commit(d, short))
	settled(t, d, purge(short, 5))
	settled(t, d, object(3, 200))
	abandoned, err := d.Create(t.Context(), 1<<20)
	must(t, err)
	abandoned.Write([][]byte{make([]byte, 1<<20)}, func(error) {})
	must(t, d.Close())
	noFindings(t, c)
	segments, err := filepath.Glob(filepath.Join(c.Path, "bulk/*.seg"))
	must(t, err)
	for kind, harm := range map[string]func(path string){
		local.FindTornTail: func(p string) { damage(t, filepath.Join(p, firstLog), 2<<20, 1) },
		local.FindBulk: func(p string) {
			for _, s := range segments {
				damage(t, filepath.Join(p, "bulk", filepath.Base(s)), 70_000, 0xEE)
			}
		},
		local.FindUnreferenced: func(p string) {
			damage(t, filepath.Join(p, "bulk", filepath.Base(segments[0])), 5<<20, 1)
		},
		local.FindIndex: func(p string) { must(t, os.RemoveAll(filepath.Join(p, "index/"))) },
	} {
		copied := config(c.Engine, filepath.Join(t.TempDir(), kind))
		copySparse(t, c.Path, copied.Path)
		harm(copied.Path)
		report, err := local.Census(t.Context(), c.Engine, copied.Path, nil)
		must(t, err)
		found := false
		for _, f := range report.Findings {
			found = found || f.Kind == kind
		}
		if found == (kind == local.FindIndex) { // a missing index is rebuilt, not a finding
			t.Errorf("%s: findings %+v", kind, report.Findings)
		}
	}
}

// copySparse copies a drive and keeps the holes of bulk segments.
func copySparse(t testing.TB, from, to string) {
	t.Helper()
	copyTree(t, from, to, "bulk")
	must(t, os.MkdirAll(filepath.Join(to, "bulk"), 0o700))
	names, err := os.ReadDir(filepath.Join(from, "bulk"))
	must(t, err)
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(from, "bulk", n.Name()))
		must(t, err)
		f, err := os.Create(filepath.Join(to, "bulk", n.Name()))
		must(t, err)
		for at := 0; at < len(b); at += 4096 {
			if block := b[at:min(at+4096, len(b))]; !zero(block) {
				_, err = f.WriteAt(block, int64(at))
				must(t, err)
			}
		}
		must(t, errors.Join(f.Truncate(int64(len(b))), f.Close()))
	}
}

func zero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
