package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
	"flashstore/ioengine"
)

// HealStatus is the document of GET /flashstore/v1/admin/heal.
type HealStatus struct {
	// Whole: every register is on every drive, as far as is known, and all drives count.
	Whole bool            `json:"whole"`
	Sets  []HealSetStatus `json:"sets"`
}

// HealSetStatus is how the healing of one set stands; see erasure.HealStatus.
type HealSetStatus struct {
	Whole       bool      `json:"whole"`
	Short       uint64    `json:"objects_short_of_parity"`
	ShortMore   bool      `json:"more_are_short"`
	Undecided   uint64    `json:"undecided"`
	Incomplete  []int     `json:"drives_incomplete"`
	Pass        uint64    `json:"pass"`
	Running     bool      `json:"running"`
	Scrub       bool      `json:"scrub"`
	Registers   uint64    `json:"registers"`
	Total       uint64    `json:"registers_total"`
	Coverage    float64   `json:"scan_coverage_ratio"`
	LeftSeconds float64   `json:"left_seconds"`
	Ended       time.Time `json:"ended,omitzero"`
	Scrubbed    time.Time `json:"scrubbed,omitzero"`
	Error       string    `json:"error,omitempty"`
	Healed      uint64    `json:"healed"`
	HealedBytes int64     `json:"heal_bytes"`
}

// healing reads how the healing of all sets stands.
func (e *Engine) healing() HealStatus {
	all := HealStatus{Whole: true}
	for _, h := range e.store.Healing() {
		all.Whole = all.Whole && h.Whole
		all.Sets = append(all.Sets, healSet(&h))
	}
	return all
}

func healSet(h *erasure.HealStatus) HealSetStatus {
	return HealSetStatus{Whole: h.Whole, Short: h.Short, ShortMore: h.ShortMore,
		Undecided: h.Undecided, Incomplete: h.Incomplete, Pass: h.Pass, Running: h.Running,
		Scrub: h.Scrub, Registers: h.Registers, Total: h.Total, Coverage: h.Coverage(),
		LeftSeconds: h.Left.Seconds(), Ended: h.Ended, Scrubbed: h.Scrubbed, Error: h.Error,
		Healed: h.Healed, HealedBytes: h.Bytes}
}

// HealOrder is the document of POST /flashstore/v1/admin/heal: the pass of each set that begins.
type HealOrder struct {
	Passes []uint64 `json:"passes"`
}

// heal begins to heal all sets; with scrub every shard is read.
func (e *Engine) heal(scrub bool) HealOrder {
	return HealOrder{Passes: e.store.Heal(scrub)}
}

// AdoptStatus is the document of POST /flashstore/v1/admin/adopt.
type AdoptStatus struct {
	Adopted []string `json:"adopted"` // directories
}

// adopt makes the empty directory of a place that lost its drive the drive there; without a
// directory, of every such place. Errors: errNotAdopted, and nothing was changed where it was
// given.
func (e *Engine) adopt(dir string) (AdoptStatus, error) {
	done := AdoptStatus{Adopted: []string{}}
	if dir != "" {
		path, err := filepath.Abs(dir)
		if err != nil {
			return done, fmt.Errorf("%w: %w", errNotAdopted, err)
		}
		dir = path
	}
	var refused error
	for i := range e.drives.slots {
		path, away := e.drives.place(i)
		if dir != "" && path != dir || dir == "" && !away {
			continue
		}
		if err := e.adoptOne(i); err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		done.Adopted = append(done.Adopted, path)
	}
	if len(done.Adopted) == 0 && refused == nil {
		refused = fmt.Errorf("%w: no place of the deployment with that directory lacks its drive",
			errNotAdopted)
	}
	if len(done.Adopted) > 0 && dir == "" {
		refused = nil // those that could be were; the status tells of the others
	}
	return done, refused
}

func (e *Engine) adoptOne(i int) error {
	d := e.drives
	d.changing.Lock()
	defer d.changing.Unlock()
	if back, err := d.returned(i, e.io); err != nil || back {
		if err == nil {
			err = e.reopen(i)
		}
		return err
	}
	if err := d.adoptable(i, e.io); err != nil {
		return err
	}
	adopted, err := d.adopt(i, e.io, e.openSlot, e.log)
	if err != nil {
		return err
	}
	return e.join(i, adopted)
}

// returned reports whether the directory of a place holds the very drive that was taken out of
// service there: it failed or was unplugged, and whoever asks for it has seen to that.
func (set *driveSet) returned(i int, io ioengine.Engine) (bool, error) {
	s := &set.slots[i]
	if s.drive == nil || s.drive.Info().Health == drive.Online {
		return false, nil
	}
	id, err := local.Identify(io, s.path)
	if err != nil {
		return false, nil // adoptable says what is wrong with it
	}
	if id != s.identity {
		return false, fmt.Errorf("%w: %s is another drive than was there: give an empty directory, or "+
			"the drive that belongs there", errNotAdopted, s.path)
	}
	return true, nil
}

// reopen starts a drive again that was taken out of service.
func (e *Engine) reopen(i int) error {
	d := e.drives
	old := d.slots[i].drive
	s := slot{path: d.slots[i].path, identity: d.slots[i].identity}
	e.log.Info("starting a drive again that was out of service", "drive", s.path)
	closed := old.Close()
	if e.openSlot(&s); s.away != nil {
		d.mu.Lock()
		d.slots[i].drive, d.slots[i].away = nil, errors.Join(s.away, closed)
		d.mu.Unlock()
		return s.away
	}
	return errors.Join(closed, e.join(i, s))
}

// join puts an open drive into its place, in the store too, and closes the one that was there.
func (e *Engine) join(i int, s slot) error {
	d := e.drives
	if err := e.store.Join(i%len(d.sizes), i/len(d.sizes), s.drive); err != nil {
		return errors.Join(err, s.drive.Close())
	}
	d.mu.Lock()
	old := d.slots[i].drive
	d.slots[i] = s
	d.mu.Unlock()
	e.log.Info("a drive joined", "drive", s.path, "number", i+1)
	if old == nil {
		return nil
	}
	if err := old.Close(); !errors.Is(err, drive.ErrClosed) { // as one that is started again is
		return err
	}
	return nil
}
