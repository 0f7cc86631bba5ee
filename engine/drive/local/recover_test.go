package local_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/zeebo/xxh3"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

func TestFormatAndInspect(t *testing.T) {
	t.Parallel()
	e, base := newEngine(t), t.TempDir()
	missing, foreign := filepath.Join(base, "missing"), filepath.Join(base, "foreign")
	must(t, os.Mkdir(foreign, 0o700))
	must(t, os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("dear"), 0o600))
	_, err := local.Inspect(e, missing)
	wantError(t, err, drive.ErrUnformatted, missing)
	_, err = local.Inspect(e, base+"/foreign")
	wantError(t, err, drive.ErrForeign, "letter.txt")
	wantError(t, local.Format(e, foreign, identity), drive.ErrForeign, "letter.txt")
	must(t, local.Format(e, missing, identity))
	wantError(t, local.Format(e, missing, identity), drive.ErrForeign, "formatted already")
	id, err := local.Inspect(e, missing)
	must(t, err)
	if want := identity; id.DriveID != want.DriveID || id.Layout != 1 {
		t.Fatalf("identity %+v", id)
	}
}

func wantError(t testing.TB, err, target error, text string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.Contains(err.Error(), text) {
		t.Fatalf("error %v, want %v with %q", err, target, text)
	}
}

// TestOpenRefuses: every reason not to open a directory names the place and what was found.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	must(t, commit(d, object(1, 100)))
	_, err := local.Open(c)
	wantError(t, err, drive.ErrInUse, c.Path)
	must(t, d.Close())
	must(t, os.WriteFile(filepath.Join(c.Path, "log/00000003.log"), make([]byte, 1<<20), 0o600))
	_, err = local.Open(c)
	wantError(t, err, drive.ErrCorrupt, "00000002.log is missing")
	must(t, os.Remove(filepath.Join(c.Path, "log/00000003.log")))

	other := c
	other.Expect = drive.Identity{Deployment: "another"}
	_, err = local.Open(other)
	wantError(t, err, drive.ErrForeign, "another")

	format := filepath.Join(c.Path, "format.json")
	text, err := os.ReadFile(format)
	must(t, err)
	for _, f := range []struct {
		text   string
		target error
		says   string
	}{
		{string(text[:len(text)/2]), drive.ErrCorrupt, "format.json"},
		{"", drive.ErrCorrupt, "0 bytes"},
		{strings.Replace(string(text), `"layout": 1`, `"layout": 5`, 1), drive.ErrCorrupt, "checksum"},
		{strings.Replace(string(text), `"checksum"`, `"checksun"`, 1), drive.ErrCorrupt, "checksum"},
		{string(text) + "\n", drive.ErrCorrupt, "checksum"},
		{resealed(string(text), `"layout": 1`, `"layout": 5`), drive.ErrNewer, "layout 5"},
		{resealed(string(text), `"layout": 1`, `"layout": 5, "set": "another shape"`),
			drive.ErrNewer, "layout 5"},
		{resealed(string(text), `"incarnation": "`, `"incarnation": "xx`), drive.ErrCorrupt,
			"incarnation"},
		{resealed(string(text), `"deployment": "dep"`, `"deployment": ""`), drive.ErrCorrupt,
			"incomplete"},
	} {
		must(t, os.WriteFile(format, []byte(f.text), 0o600))
		_, err = local.Open(c)
		wantError(t, err, f.target, f.says)
	}
	must(t, os.WriteFile(format, text, 0o600))

	must(t, os.Remove(filepath.Join(c.Path, firstLog)))
	for _, witness := range []struct{ file, says string }{
		{"log.newest", "which log.newest tells of"}, {"log.stop", "which log.stop tells of"},
		{"index", "which the index knows"}} {
		_, err = local.Open(c)
		wantError(t, err, drive.ErrCorrupt, witness.says)
		must(t, os.RemoveAll(filepath.Join(c.Path, witness.file)))
	}
}

// resealed replaces a part of a format.json and makes its checksum match again.
func resealed(text, old, by string) string {
	text, _, _ = strings.Cut(strings.Replace(text, old, by, 1), `  "checksum"`)
	sum := xxh3.HashString128(text)
	b := binary.LittleEndian.AppendUint64(nil, sum.Lo)
	b = binary.LittleEndian.AppendUint64(b, sum.Hi)
	return fmt.Sprintf("%s  \"checksum\": \"%x\"\n}\n", text, b)
}

// TestForeignIndex puts the index of one drive into another.
func TestForeignIndex(t *testing.T) {
	t.Parallel()
	a, ca := newDrive(t)
	b, cb := newDrive(t)
	must(t, commit(a, object(1, 100)))
	must(t, commit(b, object(2, 100)))
	must(t, errors.Join(a.Close(), b.Close()))
	must(t, os.RemoveAll(filepath.Join(cb.Path, "index")))
	copyTree(t, filepath.Join(ca.Path, "index"), filepath.Join(cb.Path, "index"), "")
	_, err := local.Open(cb)
	wantError(t, err, drive.ErrForeign, "belongs to another drive")
}

// TestIndexRebuilt damages the index, and removes it: both are made anew from the log.
func TestIndexRebuilt(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	for n := range uint64(20) {
		must(t, commit(d, object(n, 100)))
	}
	big := bulkObject(t, d, 50, 1<<20)
	must(t, commit(d, big))
	must(t, d.Close())
	names, err := filepath.Glob(filepath.Join(c.Path, "index/MANIFEST-*"))
	must(t, err)
	must(t, os.WriteFile(names[0], []byte("nonsense"), 0o600))
	d = open(t, c)
	holds(t, d, object(7, 100), 7)
	holds(t, d, big, 50)
	must(t, d.Close())
	must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
	d = open(t, c)
	holds(t, d, object(7, 100), 7)
	holds(t, d, big, 50)
}

// TestJoiningDrive: the "not here" of a drive that joins counts from the first term on.
func TestJoiningDrive(t *testing.T) {
	t.Parallel()
	e, path := newEngine(t), filepath.Join(t.TempDir(), "d")
	must(t, local.FormatJoining(e, path, identity))
	d := open(t, config(e, path))
	if d.Info().CompleteFrom.Term == 0 {
		t.Fatal("an empty drive says no")
	}
	raiseTerm(t, d, 4)
	if d.Info().CompleteFrom != (drive.Order{Term: 4}) {
		t.Fatalf("CompleteFrom %v", d.Info().CompleteFrom)
	}
}

// failing is an engine whose durable writes or syncs fail from the n-th on.
type failing struct {
	ioengine.Engine
	kind  ioengine.Kind
	after atomic.Int64
}

func (f *failing) Submit(b *ioengine.Batch) {
	for i := range b.Ops {
		op := &b.Ops[i]
		if op.Kind == f.kind && (op.DSync || f.kind == ioengine.DataSync) && f.after.Add(-1) < 0 {
			b.Arm()
			for i := range b.Ops {
				b.Ops[i].Err = syscall.EIO
				b.Finish()
			}
			return
		}
	}
	f.Engine.Submit(b)
}

// TestFailedSync fails the n-th durable write of the log, for each n, and each sync of bulk
// data: nothing is acknowledged from there on, and what was is here after a restart.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	for _, kind := range []ioengine.Kind{ioengine.Write, ioengine.DataSync} {
		for n := range int64(6) {
			failSync(t, kind, n)
		}
	}
}

func failSync(t *testing.T, kind ioengine.Kind, n int64) {
	_, c := newDriveClosed(t)
	f := &failing{Engine: c.Engine, kind: kind}
	f.after.Store(1 << 40)
	broken := c
	broken.Engine = f
	d := open(t, broken)
	f.after.Store(n)
	acked := make(map[uint64]*drive.Record)
	failed := false
	for i := range uint64(12) {
		var r *drive.Record
		if i%2 == 0 {
			r = object(i, 500)
		} else if w, err := d.Create(t.Context(), 200_000); err == nil {
			w.Abort()
			r = bulkObject(t, d, i, 200_000)
		} else {
			wantError(t, err, drive.ErrOffline, "")
			continue
		}
		err := commit(d, r)
		if failed = failed || err != nil; failed {
			wantError(t, err, drive.ErrOffline, "input/output error")
			continue
		}
		acked[i] = r
	}
	if i := d.Info(); !failed || i.Health != drive.ReadOnly || i.Reason == "" {
		t.Fatalf("kind %d, operation %d: %+v", kind, n, i)
	}
	for i, r := range acked {
		holds(t, d, r, i)
	}
	must(t, d.Close())
	d = open(t, c)
	for i, r := range acked {
		holds(t, d, r, i)
	}
	must(t, commit(d, object(100, 100)))
	must(t, d.Close())
}

func newDriveClosed(t testing.TB) (*local.Drive, local.Config) {
	t.Helper()
	d, c := newDrive(t)
	must(t, d.Close())
	return d, c
}
