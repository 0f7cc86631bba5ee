package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/config"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
	"flashstore/engine/object"
	"flashstore/ioengine/threadpool"
)

// check examines all drives of d.
func (d *deployment) check() (*CheckReport, error) {
	d.t.Helper()
	return Check(d.t.Context(), CheckOptions{Dirs: d.config.Drives})
}

// wantFindings expects exactly these: of a drive "number kind", of the set "set kind positions",
// each once however often it was found.
func (d *deployment) wantFindings(r *CheckReport, err error, want ...string) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	var got []string
	add := func(s string) {
		if !slices.Contains(got, s) {
			got = append(got, s)
		}
	}
	for i, drive := range r.Drives {
		if drive.Refused != "" {
			add(fmt.Sprint(i+1, " refused"))
		}
		for _, f := range drive.Findings {
			add(fmt.Sprint(i+1, " ", f.Kind))
		}
	}
	for _, s := range r.Sets {
		for _, f := range s.Findings {
			words := []string{"set", f.Kind}
			for _, p := range f.Positions {
				words = append(words, fmt.Sprint(p+1))
			}
			add(strings.Join(words, " "))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || r.Clean != (len(want) == 0) || (r.Findings == 0) != r.Clean {
		text, _ := json.MarshalIndent(r, "", "  ")
		d.t.Errorf("%q, want %q:\n%s", got, want, text)
	}
}

// onDrive opens one drive of a deployment at rest.
func (d *deployment) onDrive(i int, f func(*local.Drive)) {
	d.t.Helper()
	io, err := threadpool.New(threadpool.Config{})
	if err != nil {
		d.t.Fatal(err)
	}
	defer io.Close()
	one, err := local.Open(local.Config{Path: d.config.Drives[i], Engine: io,
		Durability: local.Relaxed, LogSegmentBytes: 1 << 20})
	if err != nil {
		d.t.Fatal(err)
	}
	f(one)
	if err := one.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// entry is what a drive holds of an object.
func (d *deployment) entry(one *local.Drive, key object.Key) *drive.Entry {
	d.t.Helper()
	page, err := one.Scan(d.t.Context(), drive.ScanQuery{Space: drive.SpaceDocument,
		Prefix: "bucket/", Max: 10})
	if err != nil || len(page.Registers) != 1 {
		d.t.Fatalf("%d documents, %v", len(page.Registers), err)
	}
	bucket := drive.BucketID(page.Registers[0].State.Newest().Meta[1:])
	state, err := one.Lookup(d.t.Context(), drive.Key{Space: drive.SpaceObject, Bucket: bucket,
		Name: string(key)}, drive.LookupOptions{})
	if err != nil || state.Newest() == nil {
		d.t.Fatalf("%s: %v", key, err)
	}
	return state.Newest()
}

// commit commits r to a drive.
func (d *deployment) commit(one *local.Drive, r *drive.Record) {
	d.t.Helper()
	done := make(chan error, 1)
	r.Token = drive.Order{Term: one.Info().Term, Sequence: 1 << 40}
	one.Commit(r, func(err error) { done <- err })
	if err := <-done; err != nil {
		d.t.Fatal(err)
	}
}

// lateWithout puts an object, and then sets some drives back to before it.
func (d *deployment) lateWithout(drives ...int) {
	d.t.Helper()
	for _, i := range drives {
		copyDir(d.t, d.config.Drives[i], d.config.Drives[i]+".old")
	}
	e := d.start()
	if err := put(d.t.Context(), e, "late", keptBytes(0)); err != nil {
		d.t.Fatal(err)
	}
	d.stop(e)
	for _, i := range drives {
		err := os.RemoveAll(d.config.Drives[i])
		if err == nil {
			err = os.Rename(d.config.Drives[i]+".old", d.config.Drives[i])
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestCheck: a set at rest in every state that a check must name.
func TestCheck(t *testing.T) {
	healthy, other := used(t, 4, 1), newDirs(t, 1)
	other.stop(other.start())
	for _, c := range []struct {
		name   string
		change func(d *deployment)
		want   []string
	}{
		{"healthy", func(*deployment) {}, nil},
		{"a record less", func(d *deployment) { d.lateWithout(2) }, []string{"set short 3"}},
		{"an object on fewer drives than it needs", func(d *deployment) { d.lateWithout(0, 3) },
			// The stop wrote how healing stands, which is whole on each drive.
			[]string{"set short 1 4", "set stale-drives 1 4", "set unreadable 1 4"}},
		{"a write of one drive", func(d *deployment) {
			d.onDrive(1, func(one *local.Drive) {
				r := d.entry(one, keptKey(3)).Record
				r.WriteID, r.Order.Sequence, r.Type = drive.WriteID{9}, 1<<40, drive.TypePurge
				r.ShardBytes, r.SizeBytes, r.Meta = 0, 0, nil
				d.commit(one, &r)
			})
		}, []string{"set undecided 1 3 4"}},
		{"a drive that says something else", func(d *deployment) {
			d.lateWithout(1)
			var r drive.Record
			d.onDrive(0, func(one *local.Drive) { r = d.entry(one, "late").Record })
			r.Meta, r.Inline = []byte("else"), make([]byte, r.ShardBytes)
			d.onDrive(1, func(one *local.Drive) { d.commit(one, &r) })
		}, []string{"set mismatch", "set short 2"}}, // how healing stands was written too
		{"no directory", func(d *deployment) {
			_ = os.RemoveAll(d.config.Drives[2])
		}, []string{"3 refused", "set absent-drive 3"}},
		{"not named", func(d *deployment) {
			d.config.Drives = d.config.Drives[:3]
		}, []string{"set absent-drive 4"}},
		{"a drive alone", func(d *deployment) { d.config.Drives = d.config.Drives[1:2] }, nil},
		{"a copy", func(d *deployment) {
			d.config.Drives = append(d.config.Drives, d.config.Drives[1]+".copy")
			copyDir(d.t, d.config.Drives[1], d.config.Drives[4])
		}, []string{"set copy 2"}},
		{"a drive of another deployment", func(d *deployment) {
			d.config.Drives[3] = other.config.Drives[0]
		}, []string{"set absent-drive 4"}},
		{"a format.json of zeros", func(d *deployment) {
			_ = os.WriteFile(filepath.Join(d.config.Drives[0], "format.json"), make([]byte, 50), 0o600)
		}, []string{"1 refused", "set absent-drive 1"}},
		{"an index that is garbled", func(d *deployment) {
			names, _ := filepath.Glob(filepath.Join(d.config.Drives[0], "index", "MANIFEST*"))
			_ = os.WriteFile(names[0], []byte("garbled"), 0o600)
		}, []string{"1 index", "set uncompared 1"}},
		{"what a check that was killed has left", func(d *deployment) {
			later := healthy.copyOf(d.t)
			later.lateWithout()
			copyDir(d.t, filepath.Join(later.config.Drives[0], "index"),
				filepath.Join(d.config.Drives[0], "index.check"))
		}, nil},
		{"no index", func(d *deployment) {
			_ = os.RemoveAll(filepath.Join(d.config.Drives[0], "index"))
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := healthy.copyOf(t)
			c.change(d)
			r, err := d.check()
			d.wantFindings(r, err, c.want...)
			again, err := d.check() // it changed nothing
			d.wantFindings(again, err, c.want...)
			if text, err := json.Marshal(r); err != nil || !json.Valid(text) {
				t.Errorf("%s, %v", text, err)
			}
			if len(c.want) == 0 && len(r.Sets) == 1 && r.Sets[0].Objects != keptObjects {
				t.Errorf("%d objects, want %d", r.Sets[0].Objects, keptObjects)
			}
		})
	}
}

// TestCheckRebuildsTheIndex: and compares with what it made; not where the index knows more than
// is left of the log.
func TestCheckRebuildsTheIndex(t *testing.T) {
	d := used(t, 2, 1)
	index := filepath.Join(d.config.Drives[0], "index")
	names, _ := filepath.Glob(filepath.Join(index, "MANIFEST*"))
	if err := os.WriteFile(names[0], []byte("garbled"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := CheckOptions{Dirs: d.config.Drives, RebuildIndex: true}
	stopped, stop := context.WithCancel(t.Context())
	o.Progress = func(p CheckProgress) {
		if p.Done > 0 && p.What == "rebuilding the index" {
			stop()
		}
	}
	r, err := Check(stopped, o)
	if !errors.Is(err, context.Canceled) || r.Clean ||
		faults(r) != "interrupted not-reached" {
		t.Errorf("interrupted: %+v, %v", r, err)
	}
	r, err = d.check() // a start, or a check, goes on where that was
	d.wantFindings(r, err)
	o.Progress = nil
	other := used(t, 2, 1)
	copyDir(t, filepath.Join(other.config.Drives[0], "index"), index)
	r, err = d.check()
	d.wantFindings(r, err, "1 index", "set uncompared 1")
	r, err = Check(t.Context(), o)
	d.wantFindings(r, err)
	for i := range r.Drives {
		if !r.Drives[i].IndexRebuilt {
			t.Errorf("%+v", r.Drives[i])
		}
	}
	if err := os.RemoveAll(filepath.Join(d.config.Drives[0], "log")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.config.Drives[0], "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := treeHash(t, index)
	r, err = Check(t.Context(), o)
	d.wantFindings(r, err, "1 refused", "set absent-drive 1")
	if treeHash(t, index) != before {
		t.Error("the index, which knows more than the log, is gone")
	}
}

// faults are those of the directories, in their order; "" of one that was examined.
func faults(r *CheckReport) string {
	all := make([]string, len(r.Drives))
	for i := range r.Drives {
		all[i] = r.Drives[i].Fault
		if (all[i] == "") != (r.Drives[i].Refused == "") {
			all[i] = "contradicts: " + r.Drives[i].Refused
		}
	}
	return strings.Join(all, " ")
}

// TestCheckOfAForeignDirectory: a check never makes a drive, so that it asks for no empty one.
func TestCheckOfAForeignDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "photo.jpg"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), CheckOptions{Dirs: []string{dir}})
	if !errors.Is(err, drive.ErrForeign) || faults(r) != "foreign" ||
		!strings.Contains(r.Error, "no flashstore drive: name the directory of a drive") ||
		strings.Contains(r.Error, "empty") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCheckThatCannotBeDone: an error, and what was found until then.
func TestCheckThatCannotBeDone(t *testing.T) {
	d := used(t, 2, 1)
	e := d.start()
	if r, err := d.check(); !errors.Is(err, drive.ErrInUse) || r.Clean || r.Error == "" ||
		r.Fault != "in-use" || faults(r) != "in-use not-reached" || r.Findings != 1 ||
		!strings.Contains(err.Error(), "stop the other server") {
		t.Errorf("beside a server: %+v, %v", r, err)
	}
	d.stop(e)
	stopped, stop := context.WithCancel(t.Context())
	o := CheckOptions{Dirs: d.config.Drives, Progress: func(p CheckProgress) {
		if p.Path == d.config.Drives[1] {
			stop()
		}
	}}
	r, err := Check(stopped, o)
	if !errors.Is(err, context.Canceled) || r.Clean || r.Error == "" ||
		r.Fault != "interrupted" || faults(r) != " interrupted" {
		t.Errorf("interrupted: %+v, %v", r, err)
	}
	for _, path := range d.config.Drives { // it left nothing behind
		if _, err := os.Stat(filepath.Join(path, "index.check")); err == nil {
			t.Errorf("%s has an index.check", path)
		}
	}
	o = CheckOptions{Dirs: []string{d.config.Drives[0], d.config.Drives[0] + "/."}}
	if _, err := Check(t.Context(), o); !errors.Is(err, config.ErrUsage) {
		t.Errorf("one directory twice: %v", err)
	}
	o = CheckOptions{Dirs: []string{t.TempDir(), filepath.Join(t.TempDir(), "none")}}
	if r, err := Check(t.Context(), o); !errors.Is(err, drive.ErrUnformatted) || r.Clean ||
		r.Fault != "missing" || r.Drives[0].Fault != "missing" {
		t.Errorf("no drives: %+v, %v", r, err)
	}
}

// TestCheckListsABoundedNumber: and counts all.
func TestCheckListsABoundedNumber(t *testing.T) {
	var s CheckSet
	for range 3 * setFindingsMax {
		s.find(SetFinding{Kind: erasure.FindShort})
	}
	if len(s.Findings) != setFindingsMax || s.FindingsTotal != 3*setFindingsMax {
		t.Errorf("%d of %d", len(s.Findings), s.FindingsTotal)
	}
}
