package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
	"flashstore/ioengine"
)

// errNotAdopted is why a directory is not made a drive of the deployment.
var errNotAdopted = errors.New("not adopted")

// adoptable says why the directory of a place cannot be made the drive there, nil if it can: the
// place lost its drive, the directory is there and empty, and enough complete drives of its set are
// left to fill it from. Too many empty directories are more likely drives that are not mounted.
func (set *driveSet) adoptable(i int, e ioengine.Engine) error {
	s := &set.slots[i]
	refuse := func(why string) error {
		return fmt.Errorf("%w: number %d, %s: %s", errNotAdopted, i+1, s.path, why)
	}
	if s.path == "" {
		return refuse("no directory of --drives is meant for it")
	}
	if s.drive != nil && s.drive.Info().Health == drive.Online {
		return refuse("its drive is there and takes writes")
	}
	switch _, err := local.Identify(e, s.path); {
	case err == nil:
		return refuse("it is a formatted drive: give an empty directory, on the new device")
	case !errors.Is(err, drive.ErrUnformatted):
		return refuse(err.Error() + ": give an empty directory")
	}
	if _, err := e.Files().List(s.path); err != nil {
		return refuse("make the directory first, on the new device")
	}
	number := i % len(set.sizes)
	complete := 0
	for _, m := range set.members(number) {
		if m.drive == nil || m == s {
			continue
		}
		if info := m.drive.Info(); info.CompleteFrom == (drive.Order{}) || info.TornOnly {
			complete++
		}
	}
	n := set.sizes[number]
	data := n - set.parity
	if need := max(data, n-erasure.WriteQuorum(data, set.parity)+1); complete < need {
		return refuse(fmt.Sprintf("%d drives of its set are there and complete, and it takes %d to "+
			"fill another: bring back the drives that are missing, or heal those that were replaced",
			complete, need))
	}
	return nil
}

// adopt formats the directory of a place for the drive that it lost, and opens it; its "not here"
// counts for nothing until it is healed.
func (set *driveSet) adopt(i int, e ioengine.Engine, open func(*slot), log *slog.Logger) (
	slot, error) {
	s := slot{path: set.slots[i].path,
		identity: identityOf(set.deployment, i, len(set.slots), set.parity)}
	s.identity.DriveID = rand.Text()
	log.Info("adopting an empty directory for a drive that is gone", "drive", s.path,
		"number", i+1)
	if err := local.FormatJoining(e, s.path, s.identity); err != nil {
		return s, advise(s.path, err)
	}
	var err error
	if s.identity, err = local.Inspect(e, s.path); err != nil {
		return s, advise(s.path, err)
	}
	open(&s)
	return s, s.away
}

// adoptAll is what --auto-adopt asks for at a start: every empty directory becomes a drive, if
// enough others are left.
func (set *driveSet) adoptAll(e ioengine.Engine, open func(*slot), log *slog.Logger) {
	for i := range set.slots {
		s := &set.slots[i]
		if s.drive != nil || !errors.Is(s.away, drive.ErrUnformatted) {
			continue
		}
		err := set.adoptable(i, e)
		if err == nil {
			var adopted slot
			if adopted, err = set.adopt(i, e, open, log); err == nil {
				*s = adopted
				continue
			}
		}
		log.Warn("a directory is not adopted", "drive", s.path, "reason", err)
	}
}
