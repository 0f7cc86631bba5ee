package local_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// overwrite damages the first place of a file below dir that holds these bytes.
func overwrite(t testing.TB, dir string, p []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		must(t, err)
		if at := bytes.Index(text, p); at >= 0 {
			damage(t, name, int64(at), ^p[0])
			return
		}
	}
	t.Fatal("the bytes are nowhere")
}

// TestReplacedShard: a damaged shard, in bulk storage or in the log, is replaced by a sound one of the
// same write, settled or not; what was there is given back, and a rebuilt index says the same.
func TestReplacedShard(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3000, 300 << 10} {
		for _, settled := range []bool{false, true} {
			d, c := newDrive(t)
			shard := func() *drive.Record {
				if size < 64<<10 {
					return object(1, size)
				}
				return bulkObject(t, d, 1, size)
			}
			r := shard()
			must(t, commit(d, r))
			if settled {
				must(t, commit(d, settleOf(r)))
			}
			dir := "log"
			if size > 64<<10 {
				dir = "bulk"
			}
			overwrite(t, filepath.Join(c.Path, dir), shardOf(1, size)[:64])
			if _, err := readShard(d, r); !errors.Is(err, drive.ErrCorrupt) {
				t.Fatalf("%d bytes, damaged: %v", size, err)
			}
			again := shard()
			again.Token.Sequence++
			must(t, commit(d, again)) // says nothing new without Replace
			if _, err := readShard(d, r); !errors.Is(err, drive.ErrCorrupt) {
				t.Fatalf("%d bytes, committed again: %v", size, err)
			}
			again = shard()
			again.Replace = true
			must(t, commit(d, again))
			check := func(what string) {
				t.Helper()
				holds(t, d, r, 1)
				state, err := d.Lookup(t.Context(), r.Key, drive.LookupOptions{})
				if err != nil || len(state.Entries) != 1 || state.Entries[0].Settled != settled {
					t.Fatalf("%d bytes, %s: %+v, %v", size, what, state, err)
				}
			}
			check("replaced")
			must(t, d.Close())
			d = open(t, c)
			check("and started again")
			must(t, d.Close())
			if dir == "bulk" { // the log with its damaged batch is another matter
				must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
				noFindings(t, c)
			}
			d = open(t, c)
			check("and rebuilt")
			must(t, d.Close())
		}
	}
}

// readShard reads the whole shard of a record.
func readShard(d *local.Drive, r *drive.Record) ([]byte, error) {
	state, err := d.Lookup(context.Background(), r.Key, drive.LookupOptions{})
	if err != nil {
		return nil, err
	}
	e := state.Newest()
	p := make([]byte, e.ShardBytes)
	var chunks [][]byte
	for rest := p; len(rest) > 0; {
		n := min(len(rest), drive.ChunkBytes)
		chunks, rest = append(chunks, rest[:n:n]), rest[n:]
	}
	return p, d.Read(context.Background(), e, chunks, 0)
}

// TestReplaceOfNothing: a shard that was to replace one that is not here is committed like any.
func TestReplaceOfNothing(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	r := object(1, 100)
	r.Replace = true
	must(t, commit(d, r))
	holds(t, d, r, 1)
	must(t, d.Close())
	noFindings(t, c)
}

// TestHealedMark: the mark of a fresh drive is lifted by who names it, once a term has made it one; it
// stays lifted behind a stop, and behind a rebuild of the index.
func TestHealedMark(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	path := filepath.Join(t.TempDir(), "d1")
	must(t, local.FormatJoining(e, path, identity))
	c := config(e, path)
	d := open(t, c)
	term := drive.Order{Term: 7}
	healed := func(mark, token drive.Order) error {
		return commit(d, &drive.Record{Type: drive.TypeHealed, Order: mark, Token: token})
	}
	if err := healed(d.Info().CompleteFrom, term); !errors.Is(err, drive.ErrFenced) {
		t.Errorf("before a term: %v", err)
	}
	must(t, commit(d, &drive.Record{Type: drive.TypeTerm, Order: term, Token: term}))
	r := object(1, 100)
	r.Token = drive.Order{Term: 7, Sequence: 1}
	must(t, commit(d, r))
	if mark := d.Info().CompleteFrom; mark != term {
		t.Fatalf("mark %v", mark)
	}
	if err := healed(drive.Order{Term: 6}, term); !errors.Is(err, drive.ErrFenced) {
		t.Errorf("another mark: %v", err)
	}
	if err := healed(term, drive.Order{Term: 6}); !errors.Is(err, drive.ErrStaleTerm) {
		t.Errorf("an actor of an earlier term: %v", err)
	}
	if mark := d.Info().CompleteFrom; mark != term {
		t.Fatalf("mark %v", mark)
	}
	must(t, healed(term, term))
	check := func(what string) {
		t.Helper()
		if i := d.Info(); i.CompleteFrom != (drive.Order{}) || !i.TornOnly || i.Term != 7 {
			t.Fatalf("%s: %+v", what, i)
		}
		holds(t, d, object(1, 100), 1)
	}
	check("healed")
	must(t, d.Close())
	d = open(t, c)
	check("started again")
	must(t, d.Close())
	must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
	noFindings(t, c)
	d = open(t, c)
	check("rebuilt")
}
