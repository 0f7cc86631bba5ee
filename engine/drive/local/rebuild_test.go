package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestRebuildIndex makes an index anew that says too little, is interrupted half way, and that
// belongs to another drive; each time the drive holds what its log says.
func TestRebuildIndex(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	const writes = 100
	for n := range uint64(writes) {
		must(t, commit(d, object(n, 300)))
	}
	must(t, d.Close())
	index := filepath.Join(c.Path, "index")
	check := func(what string) {
		t.Helper()
		d := open(t, c)
		for n := range uint64(writes) {
			holds(t, d, object(n, 300), n)
		}
		if i := d.Info(); i.CompleteFrom != (drive.Order{}) {
			t.Errorf("%s: %+v", what, i)
		}
		must(t, d.Close())
		noFindings(t, c)
	}

	tables, err := filepath.Glob(filepath.Join(index, "*.sst"))
	must(t, err)
	damage(t, tables[0], 100, 0xEE, 0xEE)
	var last local.Progress
	must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, func(p local.Progress) {
		if p.DoneBytes < last.DoneBytes || p.DoneBytes > p.TotalBytes || p.What == "" {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}))
	if last.DoneBytes < 99*4096 {
		t.Errorf("the last that is told is %+v", last)
	}
	check("a damaged table")

	stopped, stop := context.WithCancel(t.Context())
	err = local.RebuildIndex(stopped, c.Engine, c.Path, func(p local.Progress) {
		if p.DoneBytes > 50*4096 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	check("an interrupted rebuild")

	other, co := newDrive(t)
	must(t, commit(other, object(1000, 10)))
	must(t, other.Close())
	must(t, os.RemoveAll(index))
	copyTree(t, filepath.Join(co.Path, "index"), index, "")
	_, err = local.Open(c)
	wantError(t, err, drive.ErrForeign, "belongs to another drive")
	must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
	check("the index of another drive")
}
