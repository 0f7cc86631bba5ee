package local_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// killedInSecond is a drive as a kill leaves it whose second log segment holds its last writes; the
// index reflects none of them.
func killedInSecond(t *testing.T) local.Config {
	t.Helper()
	d, c := newDrive(t)
	n := uint64(1)
	second := filepath.Join(c.Path, "log/00000002.log")
	for used := false; !used; n++ {
		must(t, commit(d, object(n, 100_000)))
		b, err := os.ReadFile(second)
		used = err == nil && strings.HasPrefix(string(b), "FSLOGB01")
	}
	to := filepath.Join(t.TempDir(), "killed")
	copyTree(t, c.Path, to, "")
	c.Path = to
	return c
}

// TestEndOfLogLost: the newest segments are missing or cut short, and neither the index nor a later
// segment tells of it. The drive is refused and left as it is, and a census says the same; it is
// whole again with the file.
func TestEndOfLogLost(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		says  string
	}{
		"last missing": {func(t *testing.T, path string) {
			must(t, os.Remove(filepath.Join(path, "log/00000002.log")))
		}, "00000002.log is missing, which log.newest tells of"},
		"last short": {func(t *testing.T, path string) {
			must(t, os.Truncate(filepath.Join(path, "log/00000002.log"), 0))
		}, "the end of"},
		"both missing": {func(t *testing.T, path string) {
			must(t, os.Remove(filepath.Join(path, "log/00000001.log")))
			must(t, os.Remove(filepath.Join(path, "log/00000002.log")))
		}, "00000001.log is missing, which log.newest tells of"},
		"note damaged": {func(t *testing.T, path string) {
			damage(t, filepath.Join(path, "log.newest"), 60, 0xFF)
		}, "log.newest is damaged"},
		"note short": {func(t *testing.T, path string) {
			must(t, os.Truncate(filepath.Join(path, "log.newest"), 9))
		}, "log.newest is damaged"},
		"note empty": {func(t *testing.T, path string) {
			must(t, os.Truncate(filepath.Join(path, "log.newest"), 0))
		}, "log.newest is damaged"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			whole := killedInSecond(t)
			spoiled := whole
			spoiled.Path = filepath.Join(t.TempDir(), "spoiled")
			copyTree(t, whole.Path, spoiled.Path, "")
			c.spoil(t, spoiled.Path)
			_, err := local.Open(spoiled)
			wantError(t, err, drive.ErrCorrupt, c.says)
			err = local.RebuildIndex(t.Context(), spoiled.Engine, spoiled.Path, nil)
			wantError(t, err, drive.ErrCorrupt, c.says)
			report, err := local.Census(t.Context(), spoiled.Engine, spoiled.Path, nil)
			must(t, err)
			if len(report.Findings) == 0 || !strings.Contains(report.Findings[0].Detail, c.says) {
				t.Errorf("findings %+v", report.Findings)
			}
			d, err := local.Open(whole)
			must(t, err)
			holds(t, d, object(1, 100_000), 1)
			must(t, d.Close())
		})
	}
}

// TestNewestBytes reads the note with nothing but the page in ARCHITECTURE.md.
func TestNewestBytes(t *testing.T) {
	t.Parallel()
	c := killedInSecond(t)
	note, err := os.ReadFile(filepath.Join(c.Path, "log.newest"))
	must(t, err)
	log, err := os.ReadFile(filepath.Join(c.Path, "log/00000001.log"))
	must(t, err)
	if len(note) != 72 || string(note[:8]) != "FSLOGN01" ||
		!bytes.Equal(note[8:24], sumOf(note[24:])) || !bytes.Equal(note[24:40], log[88:104]) {
		t.Fatalf("log.newest: %x", note)
	}
	for i := range uint64(2) {
		number := binary.LittleEndian.Uint64(note[40+16*i:])
		f, err := os.Stat(filepath.Join(c.Path, fmt.Sprintf("log/%08d.log", number)))
		must(t, err)
		if size := binary.LittleEndian.Uint64(note[48+16*i:]); uint64(f.Size()) != size {
			t.Errorf("segment %d has %d bytes, the note says %d", number, f.Size(), size)
		}
	}
}

// TestWithoutNewestNote: a drive of a version that made no such note starts, and makes one with its
// next segment.
func TestWithoutNewestNote(t *testing.T) {
	t.Parallel()
	c := killedInSecond(t)
	note := filepath.Join(c.Path, "log.newest")
	must(t, os.Remove(note))
	d := open(t, c)
	for n := uint64(1000); ; n++ {
		must(t, commit(d, object(n, 100_000)))
		if _, err := os.Stat(note); err == nil {
			break
		} else if !errors.Is(err, os.ErrNotExist) || n > 2000 {
			t.Fatal(n, err)
		}
	}
	must(t, d.Close())
	holds(t, open(t, c), object(1000, 100_000), 1000)
}
