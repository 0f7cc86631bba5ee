package erasure

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// tear damages the last batch of drive i's log, as a power cut in its middle would. The drive
// is closed.
func (f *fixture) tear(i int) {
	f.t.Helper()
	const block = 4 << 10
	path := filepath.Join(f.path(i), "log", "00000001.log")
	log, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	last := 0 // every batch begins a block with the same eight bytes
	for at := 0; at < len(log); at += block {
		if bytes.Equal(log[at:at+8], log[:8]) {
			last = at
		}
	}
	log[last+200] ^= 0xFF
	if err := os.WriteFile(path, log, 0o600); err != nil {
		f.t.Fatal(err)
	}
	// A power cut comes without the mark of a clean stop; and the index of the stop, which is ahead
	// of the log now, would not be.
	for _, name := range []string{"log.stop", "index"} {
		if err := os.RemoveAll(filepath.Join(f.path(i), name)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// A power cut that tears the last batch of every log takes no acknowledged object along, and an
// absent key stays absent while all drives are here; with drives away nobody can tell, until a pass
// over all registers has found that nothing is missing.
func TestTornTailsOnAllDrives(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("k", pattern(5000, 1))
	f.mustPut("big", pattern(400<<10, 1))
	f.awaitSettles() // the last batch holds settles only, which nobody was promised
	f.stop()
	for i := range 4 {
		f.tear(i)
	}
	f.start(3)
	for i := range 3 {
		if f.drives[i].Info().CompleteFrom == (drive.Order{}) {
			t.Fatal("the torn tail went unnoticed")
		}
	}
	f.wantBody("k", pattern(5000, 1))
	f.wantError("missing", object.ErrUnavailable)
	f.mustPut("new", pattern(10, 1))
	f.wantBody("new", pattern(10, 1))
	f.restart()
	f.wantError("missing", object.ErrNoSuchKey)
	f.wantBody("k", pattern(5000, 1))
	f.wantBody("big", pattern(400<<10, 1))
	f.wantWhole("all drives are here")
	f.restart(3)
	f.wantError("missing", object.ErrNoSuchKey)
	f.wantBody("big", pattern(400<<10, 1))
}
