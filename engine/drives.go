package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"flashstore/engine/config"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
	"flashstore/ioengine"
)

// slot is one directory given to --drives: an open drive, or the reason there is none.
type slot struct {
	path     string
	identity drive.Identity
	drive    *local.Drive
	away     error
}

// driveSet is the drives of a deployment, by position.
type driveSet struct {
	slots  []slot
	parity int
}

// openDrives opens the directories of c, formatting them if the deployment is new. Up to parity
// drives may be away. Errors say which directory is wrong and what to do.
func openDrives(c *config.Config, e ioengine.Engine, log *slog.Logger) (*driveSet, error) {
	slots, err := inspectAll(c.Drives, e)
	if err != nil {
		return nil, err
	}
	if newDeployment(slots) {
		if err := formatAll(c, slots, e, log); err != nil {
			return nil, err
		}
	}
	set, err := arrange(c, slots)
	if err != nil {
		return nil, err
	}
	set.openAll(c, e, log)
	if err := set.finishFormat(c, e, log); err != nil {
		return nil, errors.Join(err, set.close())
	}
	if err := set.check(log); err != nil {
		return nil, errors.Join(err, set.close())
	}
	return set, nil
}

// inspectAll reads who each directory is.
func inspectAll(dirs []string, e ioengine.Engine) ([]slot, error) {
	slots := make([]slot, len(dirs))
	for i, dir := range dirs {
		path, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("drive %s: %w", dir, err)
		}
		slots[i].path = path
		slots[i].identity, slots[i].away = local.Inspect(e, path)
		slots[i].away = notDirectory(slots[i].away)
	}
	return slots, distinct(slots)
}

// notDirectory adds to an error about a path that is, or leads through, a plain file what to do.
func notDirectory(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: give a directory; if the file is in its place, move it away", err)
	}
	return err
}

// distinct refuses a directory that was given twice, under another name too.
func distinct(slots []slot) error {
	for i := range slots {
		for j := range i {
			if sameDirectory(slots[i].path, slots[j].path) {
				return fmt.Errorf("drives %s and %s are the same directory: give each drive a "+
					"directory of its own, on a device of its own", slots[j].path, slots[i].path)
			}
		}
	}
	return nil
}

func sameDirectory(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// newDeployment reports whether no directory holds anything.
func newDeployment(slots []slot) bool {
	for i := range slots {
		if !errors.Is(slots[i].away, drive.ErrUnformatted) {
			return false
		}
	}
	return true
}

// formatAll makes a deployment of empty or missing directories.
func formatAll(c *config.Config, slots []slot, e ioengine.Engine, log *slog.Logger) error {
	parity := c.Parity
	if parity == config.ParityDefault {
		parity = erasure.DefaultParity(len(slots))
	}
	for i := range slots {
		if err := os.MkdirAll(slots[i].path, 0o700); err != nil {
			return notWritable(slots[i].path, err)
		}
	}
	if err := distinct(slots); err != nil { // links to what did not exist until now
		return err
	}
	deployment := rand.Text()
	log.Info("formatting a new deployment", "drives", len(slots), "parity", parity,
		"deployment", deployment)
	for i := range slots {
		if err := formatSlot(&slots[i], e, drive.Identity{Deployment: deployment,
			Position: i, Drives: len(slots), Parity: parity}); err != nil {
			return err
		}
	}
	return nil
}

func formatSlot(s *slot, e ioengine.Engine, id drive.Identity) error {
	if err := os.MkdirAll(s.path, 0o700); err != nil {
		return notWritable(s.path, err)
	}
	id.DriveID = rand.Text()
	if err := local.Format(e, s.path, id); err != nil {
		return notWritable(s.path, err)
	}
	s.identity, s.away = local.Inspect(e, s.path)
	return s.away
}

// notWritable explains an error of writing to a drive, with the line that mends it where that is
// a matter of ownership.
func notWritable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("drive %s is not writable: %w; run: chown -R %d:%d %s", path, err,
			os.Getuid(), os.Getgid(), path)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("drive %s is not writable: %w; remount its file system read-write",
			path, err)
	default:
		return fmt.Errorf("drive %s: %w", path, err)
	}
}

// arrange puts the slots into the order of their positions and checks that they are one
// deployment.
func arrange(c *config.Config, slots []slot) (*driveSet, error) {
	set := &driveSet{slots: make([]slot, len(slots))}
	var first *slot
	for i := range slots {
		s := &slots[i]
		if s.away != nil {
			continue
		}
		if first == nil {
			first = s
		}
		id := &s.identity
		switch {
		case id.Deployment != first.identity.Deployment:
			return nil, fmt.Errorf("%w: drive %s belongs to deployment %s and %s to %s: remove "+
				"the one that is wrong from --drives", drive.ErrForeign, s.path, id.Deployment,
				first.path, first.identity.Deployment)
		case id.Drives != len(slots):
			return nil, fmt.Errorf("drive %s is one of %d, and --drives names %d: name all of "+
				"them, missing ones too", s.path, id.Drives, len(slots))
		case id.Position < 0 || id.Position >= len(slots):
			return nil, fmt.Errorf("drive %s says it is number %d of %d: restore its "+
				"format.json", s.path, id.Position+1, id.Drives)
		case set.slots[id.Position].path != "":
			return nil, fmt.Errorf("drives %s and %s both are number %d of the deployment: one "+
				"is a copy; remove it", set.slots[id.Position].path, s.path, id.Position+1)
		}
		set.slots[id.Position] = *s
	}
	if first == nil {
		return nil, fmt.Errorf("no drive can be used: %w", awayReasons(slots))
	}
	set.parity = first.identity.Parity
	if c.Parity != config.ParityDefault && c.Parity != set.parity {
		return nil, fmt.Errorf("%w: parity %d is asked for, but the deployment was formatted "+
			"with %d, which cannot change", config.ErrUsage, c.Parity, set.parity)
	}
	set.fillGaps(slots)
	return set, nil
}

// fillGaps gives the slots that are away the positions nobody holds, in the order given.
func (set *driveSet) fillGaps(slots []slot) {
	next := 0
	for i := range slots {
		if slots[i].away == nil {
			continue
		}
		for set.slots[next].path != "" {
			next++
		}
		set.slots[next] = slots[i]
	}
}

func awayReasons(slots []slot) error {
	var all error
	for i := range slots {
		if slots[i].away != nil {
			all = errors.Join(all, slots[i].away)
		}
	}
	return all
}

// openAll opens the formatted drives, all at once.
func (set *driveSet) openAll(c *config.Config, e ioengine.Engine, log *slog.Logger) {
	var wg sync.WaitGroup
	for i := range set.slots {
		if s := &set.slots[i]; s.away == nil {
			wg.Go(func() { s.open(c, e, log) })
		}
	}
	wg.Wait()
}

func (s *slot) open(c *config.Config, e ioengine.Engine, log *slog.Logger) {
	s.drive, s.away = local.Open(local.Config{Path: s.path, Engine: e,
		Durability: c.Durability, InlineMax: inlineMax, LogSegmentBytes: c.LogSegment,
		Expect: s.identity, Logger: log.With("drive", s.path)})
}

// inlineMax is the longest shard that travels inside its record: one block, so that it needs no
// copy and one checksum. Note: the design begins with 128 KiB.
const inlineMax = 64 << 10

// finishFormat completes a first start that was cut off between two drives: no drive of the
// deployment has ever seen a term, so nothing was ever written to it.
func (set *driveSet) finishFormat(c *config.Config, e ioengine.Engine, log *slog.Logger) error {
	var template drive.Identity
	for i := range set.slots {
		s := &set.slots[i]
		if s.drive != nil {
			if s.drive.Info().Term != 0 {
				return nil
			}
			template = s.identity
		} else if !errors.Is(s.away, drive.ErrUnformatted) {
			return nil
		}
	}
	for i := range set.slots {
		s := &set.slots[i]
		if s.drive != nil {
			continue
		}
		log.Info("finishing the format of a deployment that was never used", "drive", s.path)
		id := template
		id.Position = i
		if err := formatSlot(s, e, id); err != nil {
			return err
		}
		if s.open(c, e, log); s.away != nil {
			return s.away
		}
	}
	return nil
}

// check refuses what the operator must mend first, and says which drives are away.
func (set *driveSet) check(log *slog.Logger) error {
	present := 0
	for i := range set.slots {
		s := &set.slots[i]
		switch {
		case s.drive != nil:
			present++
			continue
		case errors.Is(s.away, drive.ErrInUse):
			return fmt.Errorf("drive %s: %w: stop the other server first", s.path, s.away)
		case errors.Is(s.away, fs.ErrPermission) || errors.Is(s.away, syscall.EROFS):
			return notWritable(s.path, s.away)
		}
		log.Warn("a drive is away", "drive", s.path, "reason", s.away)
	}
	if need := len(set.slots) - set.parity; present < need {
		return fmt.Errorf("%d of the %d drives that reading needs are there; bring back:\n%s",
			present, need, indent(awayReasons(set.slots)))
	}
	return nil
}

func indent(err error) string {
	return "  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")
}

// drives lists the open drives by position; nil where one is away.
func (set *driveSet) drives() []drive.Drive {
	all := make([]drive.Drive, len(set.slots))
	for i := range set.slots {
		if d := set.slots[i].drive; d != nil {
			all[i] = d
		}
	}
	return all
}

// close closes all drives at once.
func (set *driveSet) close() error {
	errs := make([]error, len(set.slots))
	var wg sync.WaitGroup
	for i := range set.slots {
		if d := set.slots[i].drive; d != nil {
			wg.Go(func() { errs[i] = d.Close() })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
