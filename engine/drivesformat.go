package engine

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"slices"

	"flashstore/engine/config"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
	"flashstore/ioengine"
)

// newDeployment reports whether no directory holds anything.
func newDeployment(slots []slot) bool {
	for i := range slots {
		if !errors.Is(slots[i].away, drive.ErrUnformatted) {
			return false
		}
	}
	return true
}

// formatAll makes a deployment of empty or missing directories. All are claimed before the first
// is formatted: two servers that start at once cannot mix their drives, and a format that is cut
// off can be told from drives that are not mounted.
func formatAll(c *config.Config, slots []slot, e ioengine.Engine, log *slog.Logger) (err error) {
	parity := c.Parity
	if parity == config.ParityDefault {
		parity = erasure.DefaultParity(slices.Min(erasure.SetSizes(len(slots))))
	}
	for i := range slots {
		if err := os.MkdirAll(slots[i].path, 0o700); err != nil {
			return advise(slots[i].path, err)
		}
	}
	if err := distinct(slots); err != nil { // links to what did not exist until now
		return err
	}
	release, err := claimAll(slots, e)
	defer func() { err = errors.Join(err, release()) }()
	if err != nil {
		return err
	}
	deployment := rand.Text()
	log.Info("formatting a new deployment", "drives", len(slots), "parity", parity,
		"deployment", deployment)
	for i := range slots {
		if err := slots[i].format(e, identityOf(deployment, i, len(slots), parity)); err != nil {
			return err
		}
	}
	return nil
}

// identityOf is who a drive is by its number among all of a deployment.
func identityOf(deployment string, number, drives, parity int) drive.Identity {
	sizes := erasure.SetSizes(drives)
	id := drive.Identity{Deployment: deployment, Set: number % len(sizes),
		Position: number / len(sizes), Parity: parity}
	id.Drives = sizes[id.Set]
	if len(sizes) > 1 {
		id.Total = drives
	}
	return id
}

// claimAll claims every directory. release is never nil.
func claimAll(slots []slot, e ioengine.Engine) (release func() error, err error) {
	var held []func() error
	release = func() (err error) {
		for _, f := range held {
			err = errors.Join(err, f())
		}
		return err
	}
	for i := range slots {
		f, err := local.Claim(e, slots[i].path)
		if err != nil {
			return release, advise(slots[i].path, err)
		}
		held = append(held, f)
	}
	return release, nil
}

// format makes the directory of s the drive id says, with a name of its own.
func (s *slot) format(e ioengine.Engine, id drive.Identity) error {
	id.DriveID = rand.Text()
	if err := local.Format(e, s.path, id); err != nil {
		return advise(s.path, err)
	}
	s.identity, s.away = local.Inspect(e, s.path)
	return s.away
}

// finishFormat completes a first start that was cut off between two drives. That it was is
// certain: no drive has seen a term, and each of the others still has the mark of its claim.
// Note: without the mark, a drive that missed the only starts of its deployment, alone among
// empty mount points, would pass for the whole of it.
func (set *driveSet) finishFormat(c *config.Config, e ioengine.Engine, log *slog.Logger) error {
	template, cut := set.cutOff(e)
	if !cut {
		return nil
	}
	for i := range set.slots {
		s := &set.slots[i]
		if s.drive != nil {
			continue
		}
		log.Info("finishing the format of a deployment that was never used", "drive", s.path)
		id := identityOf(template.Deployment, i, len(set.slots), set.parity)
		if err := s.format(e, id); err != nil {
			return err
		}
		if s.open(c, e, log); s.away != nil {
			return s.away
		}
	}
	return nil
}

// cutOff reports whether the format of the set was begun and never finished, and what its drives
// say of it.
func (set *driveSet) cutOff(e ioengine.Engine) (template drive.Identity, cut bool) {
	for i := range set.slots {
		s := &set.slots[i]
		switch {
		case s.drive != nil && s.drive.Info().Term == 0:
			template = s.identity
		case s.drive != nil, s.path == "", !local.Claimed(e, s.path):
			return template, false
		}
	}
	return template, len(set.spare) == 0
}
