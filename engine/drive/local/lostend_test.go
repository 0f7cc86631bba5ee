package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestLostEnd zeroes the last batches of a log, small ones and long ones, of a drive that was
// stopped or killed. Where log.stop or the index knows of them the drive is refused, by a start, a
// rebuild and a census, which says so in one finding and advises no rebuild; and nothing on it is
// changed, so that with the batches back it is as it was.
func TestLostEnd(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]struct {
		witness string
		without []string
	}{
		"stopped":                {"which log.stop tells of", nil},
		"stopped, without index": {"which log.stop tells of", []string{"index"}},
		"killed":                 {"which the index knows", []string{"log.stop"}},
	} {
		for size, bytes := range map[string]int{"small": 300, "long": 60 << 10} {
			t.Run(name+"/"+size, func(t *testing.T) {
				t.Parallel()
				d, c := newDrive(t)
				for n := range uint64(4) {
					must(t, commit(d, object(n, bytes)))
				}
				must(t, d.Close())
				for _, file := range state.without {
					must(t, os.RemoveAll(filepath.Join(c.Path, file)))
				}
				log := filepath.Join(c.Path, firstLog)
				whole, err := os.ReadFile(log)
				must(t, err)
				batches := batchOffsets(t, log)
				lost := batches[len(batches)-2]
				damage(t, log, lost, make([]byte, int64(len(whole))-lost)...)

				refusesLostEnd(t, c, state.witness)
				must(t, os.WriteFile(log, whole, 0o600))
				noFindings(t, c)
				d = open(t, c)
				for n := range uint64(4) {
					holds(t, d, object(n, bytes), n)
				}
			})
		}
	}
}

// TestDamagedEnd flips a byte in the last batch. Where log.stop or the index knows of it that is no
// torn tail: a census calls it damage and advises no rebuild, a rebuild refuses to give up an index
// that knows what was in it, and a drive without one says no to nothing until it was healed.
func TestDamagedEnd(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]string{"stopped": "", "stopped, without index": "index",
		"killed": "log.stop"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, c := newDrive(t)
			const count = 4
			for n := range uint64(count) {
				must(t, commit(d, object(n, 300)))
			}
			must(t, d.Close())
			if without != "" {
				must(t, os.RemoveAll(filepath.Join(c.Path, without)))
			}
			log := filepath.Join(c.Path, firstLog)
			batches := batchOffsets(t, log)
			damage(t, log, batches[len(batches)-1]+150, 0xFF) // in its record's head

			report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
			must(t, err)
			if len(report.Findings) != 1 || report.Findings[0].Kind != local.FindLogDamage {
				t.Errorf("findings %+v", report.Findings)
			}
			if without != "index" {
				err := local.RebuildIndex(t.Context(), c.Engine, c.Path, nil)
				wantError(t, err, drive.ErrCorrupt, "knows what they held")
			}
			d = open(t, c)
			for n := range uint64(count - 1) {
				holds(t, d, object(n, 300), n)
			}
			info := d.Info()
			if without != "index" {
				s, err := d.Lookup(t.Context(), object(count-1, 0).Key, drive.LookupOptions{})
				if err != nil || len(s.Entries) != 1 {
					t.Errorf("what the index knows is gone: %+v, %v", s, err)
				}
			} else if info.TornOnly || info.CompleteFrom == (drive.Order{}) {
				t.Errorf("it forgot a write, and its no counts: %+v", info)
			}
			raiseTerm(t, d, 9)
			must(t, d.Close())
			report, err = local.Census(t.Context(), c.Engine, c.Path, nil)
			must(t, err)
			if len(report.Findings) == 0 || report.Findings[0].Kind != local.FindLogDamage {
				t.Errorf("later: findings %+v", report.Findings)
			}
		})
	}
}

// TestOlderLog puts the log of an earlier stop below what the drive has else: refused, before a
// batch is written behind the hole.
func TestOlderLog(t *testing.T) {
	t.Parallel()
	d, c := newDrive(t)
	must(t, commit(d, object(1, 300)))
	must(t, d.Close())
	log := filepath.Join(c.Path, firstLog)
	older, err := os.ReadFile(log)
	must(t, err)
	d = open(t, c)
	must(t, commit(d, object(2, 300)))
	must(t, d.Close())
	must(t, os.WriteFile(log, older, 0o600))
	refusesLostEnd(t, c, "which log.stop tells of")
}

func refusesLostEnd(t *testing.T, c local.Config, witness string) {
	t.Helper()
	report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
	must(t, err)
	if len(report.Findings) != 1 || report.Findings[0].Kind != local.FindLogDamage {
		t.Errorf("findings %+v", report.Findings)
	}
	wantError(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil), drive.ErrCorrupt, witness)
	_, err = local.Open(c)
	wantError(t, err, drive.ErrCorrupt, witness)
}

// TestOlderStopMark puts log.stop and the index of an earlier stop beside a log that went on, in the
// same segment or in the next one: what came later is there, and is not written over.
func TestOlderStopMark(t *testing.T) {
	t.Parallel()
	for _, first := range []uint64{1, 57} { // 57 leave no room for a long batch in 4 MiB
		d, c := newDrive(t)
		next := uint64(0)
		write := func(d *local.Drive, count uint64) {
			for range count {
				must(t, commit(d, object(next, 60<<10)))
				next++
			}
		}
		write(d, first)
		must(t, d.Close())
		early := filepath.Join(t.TempDir(), "early")
		copyTree(t, c.Path, early, "log")
		d = open(t, c)
		write(d, 2)
		must(t, d.Close())
		if goesOn := len(batchOffsets(t, filepath.Join(c.Path, firstLog))) > int(first); goesOn !=
			(first == 1) {
			t.Fatalf("behind %d batches the first segment goes on: %v", first, goesOn)
		}
		must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
		copyTree(t, early, c.Path, "log")
		report, err := local.Census(t.Context(), c.Engine, c.Path, nil)
		must(t, err)
		if len(report.Findings) != 1 || report.Findings[0].Kind != local.FindStopMark {
			t.Errorf("findings %+v", report.Findings)
		}
		for range 2 {
			d = open(t, c)
			for n := range next {
				holds(t, d, object(n, 60<<10), n)
			}
			write(d, 1)
			must(t, d.Close())
		}
		noFindings(t, c)
	}
}
