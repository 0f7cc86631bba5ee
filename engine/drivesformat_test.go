package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/object"
	"flashstore/ioengine/threadpool"
)

// online expects the health of each drive as a word of + and -.
func (d *deployment) online(e *Engine, want string) {
	d.t.Helper()
	got := ""
	for _, s := range e.status().Drives {
		if s.Health == "online" {
			got += "+"
		} else {
			got += "-"
		}
	}
	if got != want {
		d.t.Errorf("drives %s, want %s: %+v", got, want, e.status().Drives)
	}
}

// TestCopies: neither of two directories that are the same drive is used, and neither is changed.
func TestCopies(t *testing.T) {
	d := used(t, 4, 1).copyOf(t)
	d.config.Drives = append(d.config.Drives, d.config.Drives[0]+".copy")
	first, copied := d.config.Drives[0], d.config.Drives[4]
	copyDir(t, first, copied)
	before := treeHash(t, first) + treeHash(t, copied)
	e := d.start() // the copy is named besides the four: one place is lost
	d.online(e, "-+++-")
	for _, s := range e.status().Drives {
		if s.Health == "online" {
			continue
		}
		for _, want := range []string{first, copied, "one is a copy", "not in use last"} {
			if !strings.Contains(s.Reason, want) || s.Fault != string(faultCopy) {
				t.Errorf("no %q in %+v", want, s)
			}
		}
	}
	d.read(e)
	if err := put(t.Context(), e, "new", []byte("new")); err != nil {
		t.Error(err)
	}
	d.stop(e)
	d.config.Drives = append(d.config.Drives[:3:3], copied) // in the place of another: two are
	d.refused(first, copied, "one is a copy", "2 of the 3 drives")
	if treeHash(t, first)+treeHash(t, copied) != before {
		t.Error("something in the copies was changed")
	}
}

// TestWrongNumberOfDirectories: a place without a directory is away, a directory without a place
// is left alone; what cannot be decided is refused and formats nothing.
func TestWrongNumberOfDirectories(t *testing.T) {
	d := used(t, 4, 1)
	all := d.config.Drives
	d.config.Drives = all[1:]
	e := d.start()
	d.online(e, "-+++")
	d.read(e)
	if s := e.status().Drives[0]; s.Path != "" || !strings.Contains(s.Reason, "number 1 of the 4") ||
		!strings.Contains(s.Reason, "name all of them") {
		t.Errorf("%+v", s)
	}
	if families, err := gather(e); err != nil || !strings.Contains(families, "number 1") {
		t.Errorf("the place is not in the metrics: %v\n%s", err, families)
	}
	d.stop(e)

	extra := filepath.Join(t.TempDir(), "extra")
	d.config.Drives = append(all[:4:4], extra)
	e = d.start()
	d.online(e, "++++-")
	if s := e.status().Drives[4]; s.Path != extra || s.Position != -1 ||
		!strings.Contains(s.Reason, "take it out of --drives") {
		t.Errorf("%+v", s)
	}
	d.read(e)
	d.stop(e)

	for i := range 3 {
		d.config.Drives = append(d.config.Drives, fmt.Sprint(extra, i))
	}
	d.refused("cannot be told", all[0], all[3], extra, extra+"2")
	for _, dir := range d.config.Drives[4:] {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was made: %v", dir, err)
		}
	}
}

// gather is the text of all metrics.
func gather(e *Engine) (string, error) {
	families, err := e.registry.Gather()
	return fmt.Sprint(families), err
}

// TestFormatRace: of two servers that start over the same empty directories one formats them, and
// the other is told; their drives are never mixed.
func TestFormatRace(t *testing.T) {
	for range 5 {
		d := newDirs(t, 4)
		var servers [2]*Engine
		var errs [2]error
		var wg sync.WaitGroup
		for i := range servers {
			rival := deployment{t: t, config: d.config}
			wg.Go(func() { servers[i], errs[i] = rival.try() })
		}
		wg.Wait()
		for i, e := range servers {
			if e == nil && !strings.Contains(errs[i].Error(), "stop the other server") {
				t.Error(errs[i])
			}
			if e != nil {
				d.online(e, "++++")
				d.stop(e)
			}
		}
		if errs[0] == nil && errs[1] == nil {
			t.Error("both run")
		}
		e := d.start() // both may have been in the other's way
		d.online(e, "++++")
		d.stop(e)
	}
}

// halfFormatted is a deployment of four whose format was cut off behind the second drive. marked:
// it left its mark on the others.
func halfFormatted(t *testing.T, marked bool) *deployment {
	t.Helper()
	d := newDirs(t, 4)
	io, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	for i, dir := range d.config.Drives {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if marked {
			release, err := local.Claim(io, dir)
			if err == nil {
				err = release()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if i > 1 {
			continue
		}
		if err := local.Format(io, dir, drive.Identity{Deployment: "halfway", Position: i,
			Drives: 4, Parity: 2, DriveID: fmt.Sprint("drive", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// TestFormatCutOff: a first start that was cut off between two drives is finished by the next.
func TestFormatCutOff(t *testing.T) {
	d := halfFormatted(t, true)
	e := d.start()
	d.online(e, "++++")
	if err := e.store.CreateBucket(t.Context(), "kept", object.BucketSettings{}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(d.log.String(), "finishing the format") {
		t.Errorf("nothing is said:\n%s", d.log)
	}
	d.stop(e)
	e = d.start()
	d.online(e, "++++")
	d.stop(e)
}

// TestMountPointsAreNotFormatted: drives that never saw a start of their deployment, among empty
// directories that no format has marked, are not the whole of it.
func TestMountPointsAreNotFormatted(t *testing.T) {
	d := halfFormatted(t, false)
	e := d.start()
	d.online(e, "++--")
	d.stop(e)
	for _, dir := range d.config.Drives[2:] {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v", dir, left, err)
		}
	}
}

// TestDriveInUse: a drive that another server has refuses the whole start, however many others
// there are.
func TestDriveInUse(t *testing.T) {
	d := used(t, 4, 1)
	io, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	held, err := io.Files().Lock(filepath.Join(d.config.Drives[2], "lock"))
	if err != nil {
		t.Fatal(err)
	}
	d.refused(d.config.Drives[2], "stop the other server first")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	e := d.start()
	d.read(e)
	d.stop(e)
}

// TestLoneDriveIsNotFormattedOver: what is left of a drive is not an empty directory, even where
// it is the only one.
func TestLoneDriveIsNotFormattedOver(t *testing.T) {
	d := newDirs(t, 1)
	d.stop(d.start())
	dir := d.config.Drives[0]
	for _, name := range []string{"format.json", "index", "lock"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := treeHash(t, dir)
	d.refused(dir, "no format.json but holds log/00000001.log", "restore the file")
	if treeHash(t, dir) != before {
		t.Error("what was left of it was changed")
	}
}
