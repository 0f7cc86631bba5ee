package local_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/engine/drive/local"
)

// TestEveryByteOfTheManifest flips each byte of the file in which the index lists its tables: it
// is another one, or is made anew, and the drive says what it said. Pebble takes a damaged
// record for the file's end; one that came before the last sequence number made it give numbers
// again, which ended the process.
func TestEveryByteOfTheManifest(t *testing.T) {
	t.Parallel()
	for _, q := range quietDrives(t, newSeed(t)) {
		for _, s := range q.stretches() {
			if !strings.HasPrefix(path.Base(s.file), "MANIFEST-") {
				continue
			}
			for at := range s.to {
				c, err := q.fork(&s, at, 0x10)
				must(t, err)
				if found, err := q.start(c); found || err != nil {
					t.Fatalf("%s, %s at %d: damaged %v, %v", q.name, s.file, at, found, err)
				}
			}
		}
	}
}

// TestOldIndex puts indexes of earlier moments back, some of them from before segments were
// compacted: the drive holds what it held, however old the index is.
func TestOldIndex(t *testing.T) {
	t.Parallel()
	_, c := newDriveClosed(t)
	c = smallSegments(c)
	d := open(t, c)
	h := newHistory(t, newSeed(t), d)
	index := filepath.Join(c.Path, "index")
	var old []string
	const rounds = 4
	for round := range rounds {
		for range 150 {
			h.step()
		}
		h.pending.Wait()
		must(t, d.Compact(t.Context()))
		must(t, d.Close())
		old = append(old, filepath.Join(t.TempDir(), fmt.Sprint(round)))
		copyTree(t, index, old[round], "")
		d = open(t, c)
		h.drive = d
	}
	before := contents(t, d)
	must(t, d.Close())
	for _, from := range old {
		must(t, os.RemoveAll(index))
		copyTree(t, from, index, "")
		d, err := local.Open(c)
		must(t, err)
		if after := contents(t, d); after != before {
			t.Errorf("with the index %s:\n%s", from, firstDifference(before, after))
		}
		must(t, d.Close())
		census(t, c)
	}
}
