package engine

import (
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/engine/erasure"
)

// CheckSet is the drives of one set, compared.
type CheckSet struct {
	Deployment string `json:"deployment"`
	Set        int    `json:"set"`
	Drives     int    `json:"drives"`
	Parity     int    `json:"parity"`
	// Paths are the directories that were compared, by position; "" where none was.
	Paths []string `json:"paths"`
	erasure.Tally
	// Findings are the first of FindingsTotal.
	Findings      []SetFinding `json:"findings"`
	FindingsTotal int          `json:"findings_total"`
}

// SetFinding is one thing that is wrong with a set.
type SetFinding = erasure.Finding

// The kinds of findings of a set that are not about a register.
const (
	FindAbsent     = "absent-drive" // a drive of the set was not examined
	FindCopy       = "copy"         // two directories are the same drive
	FindStale      = "stale-drives" // some are of an earlier time, too many to be outvoted
	FindUncompared = "uncompared"   // the comparison could not be finished
)

// setFindingsMax findings of a set are listed; all are counted.
const setFindingsMax = 1000

func (s *CheckSet) find(f SetFinding) {
	if s.FindingsTotal++; len(s.Findings) < setFindingsMax {
		s.Findings = append(s.Findings, f)
	}
}

// compare compares the drives of each set among the directories.
func (c *checker) compare() error {
	var seen []creed
	for i := range c.slots {
		if s := &c.slots[i]; s.away == nil && !slices.Contains(seen, s.creed()) {
			seen = append(seen, s.creed())
		}
	}
	for _, ours := range seen {
		sizes := erasure.SetSizes(ours.drives)
		c.buckets = nil
		if len(sizes) > 1 {
			c.buckets = c.bucketsOf(ours)
		}
		for number, size := range sizes {
			if err := c.compareSetOf(ours, number, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucketsOf collects the buckets of all sets of a deployment: a bucket's document lives in one. A
// drive that cannot be read is a finding of its set.
func (c *checker) bucketsOf(ours creed) map[drive.BucketID]string {
	all := make(map[drive.BucketID]string)
	for i := range c.slots {
		s := &c.slots[i]
		if s.away != nil || s.creed() != ours {
			continue
		}
		r, err := local.OpenRegisters(c.io, s.path)
		if err != nil {
			continue
		}
		_ = errors.Join(erasure.BucketsOf(r.All, all), r.Close()) // compareSet says so again
	}
	return all
}

// compareSetOf compares the drives of one set of a deployment.
func (c *checker) compareSetOf(ours creed, number, size int) error {
	set := &CheckSet{Deployment: ours.deployment, Set: number, Drives: size,
		Parity: ours.parity, Paths: make([]string, size), Findings: []SetFinding{}}
	err := c.compareSet(set, ours)
	c.report.Sets = append(c.report.Sets, *set)
	c.report.Findings += set.FindingsTotal
	return err
}

func (c *checker) compareSet(set *CheckSet, ours creed) (err error) {
	c.place(set, ours)
	shelves, forgot := make([]erasure.Shelf, set.Drives), make([]uint64, set.Drives)
	for position, path := range set.Paths {
		if path == "" {
			continue
		}
		r, openErr := local.OpenRegisters(c.io, path)
		if errors.Is(openErr, drive.ErrInUse) {
			return errors.Join(err, advise(path, openErr))
		}
		if openErr != nil {
			set.find(SetFinding{Kind: FindUncompared, Positions: []int{position},
				Detail: fmt.Sprintf("number %d: %v", position+1, advise(path, openErr))})
			continue
		}
		defer func() { err = errors.Join(err, r.Close()) }()
		shelves[position], forgot[position] = r.All, r.Forgot()
	}
	c.findStale(set)
	total := c.registers(set, ours)
	set.Tally, err = erasure.Census(c.ctx, erasure.CensusConfig{Drives: shelves, Parity: ours.parity,
		Buckets: c.buckets, Forgot: forgot,
		Find: set.find, Damaged: c.damaged(set), Progress: func(registers uint64) {
			c.Progress(CheckProgress{What: "comparing the drives", Done: int64(registers),
				Total: max(total, int64(registers))})
		}})
	if errors.Is(err, erasure.ErrUnread) {
		set.find(SetFinding{Kind: FindUncompared, Detail: err.Error()})
		return nil
	}
	if c.ctx.Err() != nil {
		return fmt.Errorf("interrupted while comparing the drives: %w", c.ctx.Err())
	}
	return err
}

// isOf reports whether a directory is a drive of a set.
func (s *slot) isOf(set *CheckSet, ours creed) bool {
	return s.away == nil && s.creed() == ours && s.identity.Set == set.Set
}

// place finds the directory of each position, and says which have none.
func (c *checker) place(set *CheckSet, ours creed) {
	held := make([][]string, set.Drives)
	for i := range c.slots {
		if s := &c.slots[i]; s.isOf(set, ours) {
			p := s.identity.Position
			held[p] = append(held[p], s.path)
		}
	}
	for p, paths := range held {
		switch len(paths) {
		case 1:
			set.Paths[p] = paths[0]
		case 0:
			set.find(SetFinding{Kind: FindAbsent, Positions: []int{p}, Detail: fmt.Sprintf("no "+
				"directory that was examined is number %d of %d", p+1, set.Drives)})
		default:
			set.find(SetFinding{Kind: FindCopy, Positions: []int{p}, Detail: fmt.Sprintf("%q all "+
				"are number %d of %d: one is a copy; none is compared", paths, p+1, set.Drives)})
		}
	}
}

// findStale says which drives a start would refuse, since they are of an earlier time.
func (c *checker) findStale(set *CheckSet) {
	seen := make([]erasure.Memory, set.Drives)
	for i := range c.report.Drives {
		d := &c.report.Drives[i]
		if p := slices.Index(set.Paths, d.Path); p >= 0 {
			seen[p] = erasure.Memory{Term: d.Term, MaxSeen: d.MaxSeen, Forgot: d.Forgot}
		}
	}
	stale, term := erasure.Stale(seen, set.Parity)
	if len(stale) > 0 {
		set.find(SetFinding{Kind: FindStale, Positions: stale, Detail: fmt.Sprintf("%d of %d drives "+
			"are of an earlier time than writes of term %d, which others hold: a start refuses them",
			len(stale), set.Drives, term)})
	}
}

// registers is the largest number of registers that a drive of a set holds.
func (c *checker) registers(set *CheckSet, ours creed) (most int64) {
	for i := range c.slots {
		if c.slots[i].isOf(set, ours) {
			most = max(most, int64(c.report.Drives[i].Registers))
		}
	}
	return most
}

// damaged tells, by position, of the shards that the census of a drive has listed as damaged.
func (c *checker) damaged(set *CheckSet) func(int, *drive.Key, drive.WriteID) bool {
	type shard struct {
		position int
		key      drive.Key
		write    drive.WriteID
	}
	all := make(map[shard]struct{})
	for i := range c.report.Drives {
		d := &c.report.Drives[i]
		position := slices.Index(set.Paths, d.Path)
		for _, f := range d.Findings {
			if position >= 0 && f.Write != (drive.WriteID{}) {
				all[shard{position, f.Register, f.Write}] = struct{}{}
			}
		}
	}
	return func(position int, key *drive.Key, write drive.WriteID) bool {
		_, found := all[shard{position, *key, write}]
		return found
	}
}
