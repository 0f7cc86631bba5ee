package local_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/drive/local/indexfs"
	"flashstore/ioengine/crashsim"
)

// holed is a drive at rest that lost a batch in the middle of its log.
type holed struct {
	t       *testing.T
	disk    *crashsim.Disk
	config  local.Config
	kept    []*drive.Record
	lost    *drive.Record
	stopped bool // cleanly: the index knows what was in the lost batch

	raised       int // operations when a term was about to be raised; 0: none was
	fresh        *drive.Record
	freshIsAcked int
}

// newHoled writes batches. The index reflects the first few of them, and all if the drive is
// stopped; else it was killed.
func newHoled(t *testing.T, seed uint64, reflected int, stopped bool) *holed {
	s := newSimulated(t, &flow{}, seed)
	h := &holed{t: t, stopped: stopped}
	for n := range 16 {
		if n == reflected {
			s.reopen()
		}
		if n == 8 { // a term that knows nothing of the hole ends nothing
			s.term++
			raiseTerm(t, s.drive, s.term)
		}
		r := s.put(fmt.Sprint("name-", n), 10)
		if n == 7 {
			r = s.bulk("bulk", 70_000)
		}
		r.Meta = shardOf(s.next, 30_000) // so that a start flushes the index on its way, and often
		s.commit(r)
		if n == 3 {
			h.lost = r
		} else {
			h.kept = append(h.kept, r)
		}
	}
	if stopped {
		must(t, s.drive.Close())
	}
	h.disk = s.disk.After(s.disk.Ops(), crashsim.LoseAll, seed)
	if !stopped {
		must(t, s.drive.Close())
	}
	file := path.Join(drivePath, firstLog)
	at := bytes.Index(h.disk.Peek(file), []byte(h.lost.Key.Name))
	must(t, h.disk.Flip(file, int64(at), 1))
	h.config = s.config
	h.config.IndexMemtableBytes = 64 << 10
	h.config.Engine = h.disk.Engine()
	return h
}

// start starts the drive and uses it; a term ends what is said of the hole.
func (h *holed) start() error {
	d, err := local.Open(h.config)
	if err != nil {
		return err
	}
	h.fresh = object(100, 5000)
	h.fresh.Token.Term = 4
	err = commit(d, h.fresh)
	h.freshIsAcked = h.disk.Ops()
	h.raised = h.freshIsAcked
	raiseTerm(h.t, d, 8)
	return errors.Join(err, d.Close())
}

func (h *holed) check() error { return h.find(h.config) }

// find is a census that must find the hole.
func (h *holed) find(c local.Config) error {
	r, err := local.Census(h.t.Context(), c.Engine, drivePath, nil)
	if err == nil && r.FindingsTotal == 0 {
		err = errors.New("the census finds nothing")
	}
	return err
}

func (h *holed) rebuild() error {
	return local.RebuildIndex(h.t.Context(), h.config.Engine, drivePath, nil)
}

// rebuildAnyway is a rebuild that is first refused, since the index knows what the log has lost, and
// then done without that index.
func (h *holed) rebuildAnyway() error {
	if err := h.rebuild(); !errors.Is(err, drive.ErrCorrupt) {
		return fmt.Errorf("the index knows what was lost, and was given up: %w", err)
	}
	if err := indexfs.Clear(h.disk, path.Join(drivePath, "index")); err != nil {
		return err
	}
	return h.rebuild()
}

// TestEveryPowerCutOfAHoledLog cuts the power at every operation of a start, a census and a
// rebuild of a drive that lost a batch: whoever comes next says that batches are lost, until a
// term is raised, and has all the others.
func TestEveryPowerCutOfAHoledLog(t *testing.T) {
	t.Parallel()
	seed := newSeed(t)
	for _, c := range []struct {
		name      string
		reflected int
		stopped   bool
		run       func(*holed) error
	}{
		{"start", 0, false, (*holed).start},
		{"start-partly-reflected", 2, false, (*holed).start},
		{"census", 2, false, (*holed).check},
		{"rebuild", 2, false, (*holed).rebuild},
		{"rebuild-after-stop", 0, true, (*holed).rebuildAnyway},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHoled(t, seed, c.reflected, c.stopped)
			from := h.disk.Ops()
			must(t, c.run(h))
			for n := from; n <= h.disk.Ops(); n++ {
				for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseHalf, crashsim.Torn} {
					if n == from && loss == crashsim.Torn {
						continue // before the hole
					}
					if h.cut(n, loss, seed); t.Failed() {
						t.Fatalf("power cut after %s: %s, seed %d", h.disk.Describe(n), loss, seed)
					}
				}
			}
			t.Logf("%d operations", h.disk.Ops()-from)
		})
	}
}

// cut lets something else come before the next start, or nothing.
func (h *holed) cut(n int, loss crashsim.Loss, seed uint64) {
	c := h.config
	c.Engine = h.disk.After(n, loss, seed).Engine()
	over, all := n, n == h.disk.Ops() && loss != crashsim.Torn
	if loss == crashsim.Torn {
		over--
	}
	rebuilt, told := false, false
	switch (uint64(n) + seed) % 3 {
	case 1:
		if err := h.find(c); err != nil {
			h.t.Errorf("census: %v", err)
		}
	case 2:
		err := local.RebuildIndex(h.t.Context(), c.Engine, drivePath, nil)
		if rebuilt = err == nil; !rebuilt && !(h.stopped && errors.Is(err, drive.ErrCorrupt)) {
			h.t.Errorf("rebuild: %v", err)
		}
	}
	for range 1 + n%2 {
		d, err := local.Open(c)
		if err != nil {
			h.t.Errorf("no start: %v", err)
			return
		}
		told = h.says(d, over, h.stopped && !rebuilt && !all)
		must(h.t, d.Close())
	}
	if n%4 > 0 {
		return
	}
	d, err := local.Open(c)
	must(h.t, err)
	raiseTerm(h.t, d, 9)
	if got := d.Info().CompleteFrom; told && got != (drive.Order{Term: 9}) {
		h.t.Errorf("with a new term: complete from %v", got)
	}
	must(h.t, d.Close())
}

// says checks what a drive holds and says after over operations. untold: it may have an index that
// was there before the hole, and knows what was in it. told: it does not have all, it says.
func (h *holed) says(d *local.Drive, over int, untold bool) (told bool) {
	i := d.Info()
	told = i.CompleteFrom.Term == math.MaxUint64 && !i.TornOnly
	s, err := d.Lookup(h.t.Context(), h.lost.Key, drive.LookupOptions{})
	must(h.t, err)
	switch {
	case told, h.raised > 0 && over >= h.raised && i.CompleteFrom == (drive.Order{Term: 8}):
	case untold && len(s.Entries) == 1:
	default:
		h.t.Errorf("complete from %v, torn only %v, of the lost write %d entries", i.CompleteFrom,
			i.TornOnly, len(s.Entries))
	}
	for _, r := range h.kept {
		holds(h.t, d, r, binary.BigEndian.Uint64(r.WriteID[:]))
	}
	if h.fresh != nil && over >= h.freshIsAcked {
		holds(h.t, d, h.fresh, 100)
	}
	return told
}
