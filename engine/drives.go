package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"flashstore/engine/config"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// slot is a place of the set, or a directory given to --drives: an open drive, or the reason
// there is none.
type slot struct {
	path     string // "" where no directory was given for a place
	identity drive.Identity
	drive    *local.Drive
	away     error
}

// driveSet is the drives of a deployment.
type driveSet struct {
	slots  []slot // in the order of their numbers: see erasure.SetSizes
	spare  []slot // directories that no place is left for, each with its reason
	sizes  []int  // drives of each set
	parity int
	// deployment is the name of it.
	deployment string

	mu       sync.RWMutex // guards what is in a slot once the server runs
	changing sync.Mutex   // one drive joins at a time
}

// view is the slots as they are now.
func (set *driveSet) view() []slot {
	set.mu.RLock()
	defer set.mu.RUnlock()
	return slices.Clone(set.slots)
}

// members are the slots of a set by position.
func (set *driveSet) members(number int) []*slot {
	all := make([]*slot, set.sizes[number])
	for position := range all {
		all[position] = &set.slots[position*len(set.sizes)+number]
	}
	return all
}

// openDrives opens the directories of c, formatting them if the deployment is new. A directory
// that cannot be used is refused by itself and counts as away; the start is refused below the
// read quorum, and where it cannot be known which drives are meant. Errors and the log say which
// directory, what was found and what to do.
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
	set, err := arrange(slots)
	if err != nil {
		return nil, err
	}
	if c.Parity != config.ParityDefault && c.Parity != set.parity {
		return nil, fmt.Errorf("%w: parity %d is asked for, but the deployment was formatted "+
			"with %d, which cannot change", config.ErrUsage, c.Parity, set.parity)
	}
	set.openAll(c, e, log)
	for number := range set.sizes {
		dropStale(set.members(number), set.parity)
	}
	err = set.finishFormat(c, e, log)
	if err == nil && c.AutoAdopt {
		set.adoptAll(e, func(s *slot) { s.open(c, e, log) }, log)
	}
	if err == nil {
		err = set.check(log)
	}
	if err != nil {
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
		slots[i].identity, slots[i].away = local.Identify(e, path)
		if errors.Is(slots[i].away, drive.ErrForeign) {
			slots[i].away = fmt.Errorf("%w: give an empty directory, or that of a drive",
				slots[i].away)
		}
	}
	return slots, distinct(slots)
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

// openAll opens the formatted drives, all at once. A drive without a trace of the starts that
// others remember is refused: what it held is gone, and its "not here" must not count.
func (set *driveSet) openAll(c *config.Config, e ioengine.Engine, log *slog.Logger) {
	blank := make([]bool, len(set.slots))
	var wg sync.WaitGroup
	for i := range set.slots {
		s := &set.slots[i]
		if blank[i] = s.away == nil && local.Blank(e, s.path); s.away == nil && !blank[i] {
			wg.Go(func() { s.open(c, e, log) })
		}
	}
	wg.Wait()
	term := set.term()
	for i := range set.slots {
		s := &set.slots[i]
		switch {
		case !blank[i]:
		case term == 0:
			wg.Go(func() { s.open(c, e, log) })
		default:
			s.away = fmt.Errorf("%w: %s is blank, while other drives remember that their "+
				"deployment was started (term %d): bring its log and index back, or replace the "+
				"drive by an empty directory and heal", drive.ErrCorrupt, s.path, term)
		}
	}
	wg.Wait()
}

// term is the highest that an open drive remembers.
func (set *driveSet) term() (term uint64) {
	for i := range set.slots {
		if d := set.slots[i].drive; d != nil {
			term = max(term, d.Info().Term)
		}
	}
	return term
}

// summedChunks counts the checksums that drives computed of what they wrote.
func (set *driveSet) summedChunks() (n uint64) {
	for _, s := range set.view() {
		if d := s.drive; d != nil {
			n += d.Info().Counters.SummedChunks
		}
	}
	return n
}

func (s *slot) open(c *config.Config, e ioengine.Engine, log *slog.Logger) {
	s.drive, s.away = local.Open(local.Config{Path: s.path, Engine: e,
		Durability: c.Durability, Checksum: c.Checksum, InlineMax: inlineMax,
		LogSegmentBytes: c.LogSegment, Expect: s.identity, Logger: log.With("drive", s.path)})
}

// inlineMax is the longest shard that travels inside its record: one block, so that it needs no
// copy and one checksum. Note: the design begins with 128 KiB.
const inlineMax = 64 << 10

// check says which drives are away and why, and refuses the start where another server has one
// of them, or below the read quorum.
func (set *driveSet) check(log *slog.Logger) error {
	for i := range set.slots {
		s := &set.slots[i]
		if s.drive != nil {
			continue
		}
		s.away = advise(s.path, s.away)
		if errors.Is(s.away, drive.ErrInUse) {
			return s.away
		}
		log.Warn("a drive is away", "drive", s.path, "number", i+1, "reason", s.away)
	}
	for i := range set.spare {
		s := &set.spare[i]
		s.away = advise(s.path, s.away)
		log.Warn("a directory is not used", "drive", s.path, "reason", s.away)
	}
	for number := range set.sizes {
		if err := set.checkSet(number); err != nil {
			return err
		}
	}
	return nil
}

// checkSet refuses a set that cannot be read.
func (set *driveSet) checkSet(number int) error {
	present, which := 0, ""
	for _, s := range set.members(number) {
		if s.drive != nil {
			present++
		}
	}
	if len(set.sizes) > 1 {
		which = fmt.Sprintf(" of set %d", number)
	}
	if need := set.sizes[number] - set.parity; present < need {
		return fmt.Errorf("%d of the %d drives that reading needs%s are there; bring back:%s",
			present, need, which, listReasons(slices.Concat(set.slots, set.spare)))
	}
	return nil
}

// listReasons is a line for each reason why a directory is away.
func listReasons(slots []slot) string {
	var lines []string
	for i := range slots {
		if away := slots[i].away; away != nil && !slices.Contains(lines, away.Error()) {
			lines = append(lines, away.Error())
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n  " + strings.ReplaceAll(strings.Join(lines, "\n"), "\n", "\n  ")
}

// drives lists the open drives by set and position; nil where one is away.
func (set *driveSet) drives() [][]drive.Drive {
	all := make([][]drive.Drive, len(set.sizes))
	for number := range all {
		for _, s := range set.members(number) {
			var d drive.Drive
			if s.drive != nil {
				d = s.drive
			}
			all[number] = append(all[number], d)
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
