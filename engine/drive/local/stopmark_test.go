package local_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestStopMark: the mark of a clean stop counts for one start. What is committed after that is
// found after a kill, even where the index knows nothing of it; and a mark that does not fit what
// the index says counts for nothing.
func TestStopMark(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	first := object(1, 300)
	must(t, commit(d, first))
	must(t, d.Close())
	stopped := filepath.Join(t.TempDir(), "stopped")
	copyTree(t, c.Path, stopped, "")

	d = open(t, c)
	second := object(2, 300)
	must(t, commit(d, second))
	killed := c
	killed.Path = filepath.Join(t.TempDir(), "killed")
	copyTree(t, c.Path, killed.Path, "")
	e := open(t, killed)
	holds(t, e, first, 1)
	holds(t, e, second, 2)

	without := c
	without.Path = stopped
	copyTree(t, stopped, stopped+"-rebuilt", "index")
	for _, path := range []string{stopped, stopped + "-rebuilt"} {
		without.Path = path
		e := open(t, without)
		holds(t, e, first, 1)
		lacks(t, e, second)
	}
}

// TestIndexOfAnotherTime puts the index of a later stop beside the log of an earlier one: the log
// lacks what that index knows, and the drive is refused; also if the log's file is long enough.
func TestIndexOfAnotherTime(t *testing.T) {
	t.Parallel()
	for _, writes := range []int{1, 40} {
		_, c := newDriveClosed(t)
		c.LogSegmentBytes = 1 << 20
		d := open(t, c)
		must(t, commit(d, object(1, 300)))
		must(t, d.Close())
		early := c
		early.Path = filepath.Join(t.TempDir(), "early")
		copyTree(t, c.Path, early.Path, "index")

		d = open(t, c)
		for i := range writes {
			must(t, commit(d, object(uint64(2+i), 60<<10)))
		}
		must(t, d.Close())
		copyTree(t, filepath.Join(c.Path, "index"), filepath.Join(early.Path, "index"), "")
		_, err := local.Open(early)
		wantError(t, err, drive.ErrCorrupt, "which the index knows")
	}
}

// TestStopMarkBytes reads the mark with nothing but the page in ARCHITECTURE.md.
func TestStopMarkBytes(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	file := filepath.Join(c.Path, "log.stop")
	for _, want := range []struct {
		clean  byte
		number uint64
	}{{0, 0}, {1, 2}} {
		if want.clean == 1 {
			must(t, commit(d, &drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: 7}}))
			must(t, d.Close())
		}
		mark, err := os.ReadFile(file)
		must(t, err)
		le := binary.LittleEndian
		if len(mark) != 4096 || string(mark[:8]) != "FSLOGS01" ||
			string(mark[8:24]) != string(sumOf(mark[24:])) || mark[40] != want.clean ||
			le.Uint64(mark[64:]) != want.number {
			t.Fatalf("log.stop: %x", mark[:80])
		}
		if want.clean == 1 && (le.Uint64(mark[48:]) != 1 || le.Uint64(mark[56:]) != 4096) {
			t.Errorf("place of the next batch: %x", mark[48:64])
		}
	}
	damage(t, file, 100, 1)
	report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
	must(t, err)
	if len(report.Findings) != 1 || report.Findings[0].File != file {
		t.Errorf("findings %+v", report.Findings)
	}
	must(t, open(t, c).Close())
	noFindings(t, c)
}
