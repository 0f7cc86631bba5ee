package local_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// killedCopy is a drive with five objects, as a kill leaves it: its index reflects none of them.
func killedCopy(t *testing.T) local.Config {
	t.Helper()
	d, c := newDrive(t)
	for n := uint64(1); n <= 5; n++ {
		must(t, commit(d, object(n, 100)))
	}
	to := filepath.Join(t.TempDir(), "killed")
	copyTree(t, c.Path, to, "")
	c.Path = to
	return c
}

// TestLostBatchesAreRemembered: the "not here" of a drive that lost batches counts for nothing,
// whoever read the log first, and however often.
func TestLostBatchesAreRemembered(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(local.Config) error{
		"start": func(local.Config) error { return nil },
		"check": func(c local.Config) error {
			r, err := local.Census(t.Context(), c.Engine, c.Path, nil)
			if err == nil && len(r.Findings) == 0 {
				err = errors.New("nothing was found")
			}
			return err
		},
		"rebuild": func(c local.Config) error {
			return local.RebuildIndex(t.Context(), c.Engine, c.Path, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := killedCopy(t)
			damage(t, filepath.Join(c.Path, "log/00000001.log"), 4096+200, []byte("XXXXXXXX")...)
			must(t, before(c))
			for start := range 3 {
				d := open(t, c)
				if i := d.Info(); i.CompleteFrom.Term != math.MaxUint64 || i.TornOnly {
					t.Errorf("start %d: complete from %v, torn only %v", start, i.CompleteFrom, i.TornOnly)
				}
				must(t, d.Close())
			}
			d := open(t, c)
			term := drive.Order{Term: 2}
			must(t, commit(d, &drive.Record{Type: drive.TypeTerm, Token: term}))
			if got := d.Info().CompleteFrom; got != term {
				t.Errorf("with a new term: complete from %v", got)
			}
		})
	}
}

// TestMislaidLog: bulk data whose log and index are gone, and the note of the newest segments, is left
// alone, and is there when they are back.
func TestMislaidLog(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	r := bulkObject(t, d, 1, 200_000)
	must(t, commit(d, r))
	must(t, d.Close())
	away := t.TempDir()
	for _, name := range []string{"log", "index", "log.newest"} {
		must(t, os.Rename(filepath.Join(c.Path, name), filepath.Join(away, name)))
	}
	must(t, os.Mkdir(filepath.Join(c.Path, "log"), 0o700))
	if local.Blank(c.Engine, c.Path) {
		t.Error("a drive with bulk data is called blank")
	}
	if _, err := local.Open(c); !errors.Is(err, drive.ErrCorrupt) {
		t.Fatalf("open without log: %v", err)
	}
	must(t, os.RemoveAll(filepath.Join(c.Path, "log")))
	for _, name := range []string{"log", "index", "log.newest"} {
		must(t, os.RemoveAll(filepath.Join(c.Path, name)))
		must(t, os.Rename(filepath.Join(away, name), filepath.Join(c.Path, name)))
	}
	s, err := open(t, c).Lookup(t.Context(), r.Key, drive.LookupOptions{})
	if err != nil || len(s.Entries) != 1 {
		t.Fatal(s, err)
	}
}

// TestExchangedSegment: a segment that the index reflects is not read at a start, and all the same
// not taken for ours when it is another drive's, or zeros.
func TestExchangedSegment(t *testing.T) {
	t.Parallel()
	const name = "log/00000001.log"
	other := killedCopy(t)
	foreign, err := os.ReadFile(filepath.Join(other.Path, name))
	must(t, err)
	for what, content := range map[string][]byte{"foreign": foreign, "zeros": make([]byte, 4<<20)} {
		t.Run(what, func(t *testing.T) {
			d, c := newDrive(t)
			must(t, commit(d, object(1, 100)))
			must(t, d.Close())
			must(t, os.WriteFile(filepath.Join(c.Path, name), content, 0o600))
			if _, err := local.Open(c); !errors.Is(err, drive.ErrForeign) &&
				!errors.Is(err, drive.ErrCorrupt) {
				t.Fatalf("open: %v", err)
			}
		})
	}
}

// TestUndecidedWritesAreBounded: a register with more writes that nobody settles than any protocol
// leaves refuses further ones, and can be settled.
func TestUndecidedWritesAreBounded(t *testing.T) {
	t.Parallel()
	d, _ := newDrive(t)
	key := object(1, 10).Key
	n, err := uint64(1), error(nil)
	var last *drive.Record
	for ; err == nil && n < 5000; n++ {
		r := object(n, 10)
		r.Key = key
		if err = commit(d, r); err == nil {
			last = r
		}
	}
	if !errors.Is(err, drive.ErrFull) {
		t.Fatalf("after %d writes: %v", n, err)
	}
	must(t, commit(d, settleOf(last)))
	r := object(n+1, 10)
	r.Key = key
	must(t, commit(d, r))
}
