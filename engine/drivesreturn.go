package engine

import (
	"context"
	"errors"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
)

// returnInterval is how often it is looked whether a drive that was away has come back.
const returnInterval = 5 * time.Second

// awaitReturns lets drives join again that come back while the server runs: a device that was not
// mounted at the start, or was unplugged.
func (e *Engine) awaitReturns(ctx context.Context) {
	tick := time.NewTicker(returnInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for i := range e.drives.slots {
				e.tryReturn(i)
			}
		}
	}
}

// tryReturn opens the drive of a place that lacks one, if it is there now. What it would be refused
// for at a start, it is refused for here; the reason stays in the status.
func (e *Engine) tryReturn(i int) {
	d := e.drives
	path, away := d.place(i)
	if !away || path == "" {
		return
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	s := slot{path: path}
	if s.identity, s.away = local.Identify(e.io, path); s.away != nil {
		return
	}
	want := identityOf(d.deployment, i, len(d.slots), d.parity)
	want.DriveID, want.Layout = s.identity.DriveID, s.identity.Layout
	if s.identity != want || local.Blank(e.io, path) || d.holds(s.identity.DriveID) {
		return
	}
	e.openSlot(&s)
	err := s.away
	if err == nil {
		if err = e.stale(i, s.drive); err == nil {
			err = e.join(i, s)
		} else {
			err = errors.Join(err, s.drive.Close())
		}
	}
	if err != nil {
		if before := d.slots[i].away; before == nil || before.Error() != err.Error() {
			e.log.Warn("a drive came back and cannot be used", "drive", path, "reason", err)
		}
		d.mu.Lock()
		d.slots[i].away = err
		d.mu.Unlock()
	}
}

// stale says why a drive that comes back is of too early a time.
func (e *Engine) stale(i int, back *local.Drive) error {
	members := e.drives.members(i % len(e.drives.sizes))
	seen := make([]erasure.Memory, len(members))
	for p, m := range members {
		d := m.drive
		if p == i/len(e.drives.sizes) {
			d = back
		}
		if d != nil {
			seen[p] = erasure.MemoryOf(d)
		}
	}
	stale, term := erasure.Stale(seen, e.drives.parity)
	if len(stale) == 0 {
		return nil
	}
	return staleError(e.drives.slots[i].path, back.Info().Term, term, len(stale))
}

// holds reports whether a drive of that name is open in some place.
func (set *driveSet) holds(id string) bool {
	for i := range set.slots {
		if s := &set.slots[i]; s.drive != nil && s.identity.DriveID == id {
			return true
		}
	}
	return false
}

// place is the directory of a place, and whether it lacks a drive that takes writes.
func (set *driveSet) place(i int) (path string, away bool) {
	set.mu.RLock()
	defer set.mu.RUnlock()
	s := &set.slots[i]
	return s.path, s.drive == nil || s.drive.Info().Health != drive.Online
}
