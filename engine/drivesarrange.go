package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"flashstore/engine/drive"
	"flashstore/engine/erasure"
	"flashstore/engine/erasure/codec"
)

// creed is what the drives of one deployment say alike.
type creed struct {
	deployment     string
	drives, parity int
}

func (s *slot) creed() creed {
	return creed{s.identity.Deployment, totalOf(&s.identity), s.identity.Parity}
}

// totalOf is the drives of the deployment that a drive is of.
func totalOf(id *drive.Identity) int { return max(id.Total, id.Drives) }

// number is the place of a drive among all of its deployment.
func (s *slot) number() int {
	return s.identity.Position*len(erasure.SetSizes(totalOf(&s.identity))) + s.identity.Set
}

func (c creed) String() string {
	return fmt.Sprintf("deployment %s, of %d drives with parity %d", c.deployment, c.drives,
		c.parity)
}

// errTwins is the reason of directories that claim to be the same drive.
var errTwins = errors.New("drive: two directories are the same drive")

// arrange decides which deployment the directories are meant to be, and puts those that belong
// to it into the order of their positions. The others are refused one by one: they take the
// places that nobody holds, in the order given, or none.
func arrange(slots []slot) (*driveSet, error) {
	refuseNonsense(slots)
	ours, err := elect(slots)
	if err != nil {
		return nil, err
	}
	refuseStrangers(slots, ours)
	refuseTwins(slots, ours)
	set := &driveSet{slots: make([]slot, ours.drives), sizes: erasure.SetSizes(ours.drives),
		parity: ours.parity, deployment: ours.deployment}
	taken := make([]bool, ours.drives)
	var rest []slot
	place := func(s slot, usable bool) {
		if n := s.number(); s.creed() == ours && (s.away == nil) == usable && !taken[n] {
			set.slots[n], taken[n] = s, true
		} else if !usable {
			rest = append(rest, s)
		}
	}
	for i := range slots {
		place(slots[i], true)
	}
	for i := range slots {
		if slots[i].away != nil {
			place(slots[i], false)
		}
	}
	set.fillGaps(rest, taken)
	return set, nil
}

// refuseNonsense refuses a format.json that no Format wrote.
func refuseNonsense(slots []slot) {
	for i := range slots {
		s := &slots[i]
		if s.away == nil {
			s.away = s.nonsense()
		}
		if s.away != nil {
			s.identity = drive.Identity{}
		}
	}
}

// nonsense says what is impossible in the identity of s, if anything is.
func (s *slot) nonsense() error {
	id := &s.identity
	layout := codec.Layout{Data: id.Drives - id.Parity, Parity: id.Parity}
	sizes := erasure.SetSizes(totalOf(id))
	if layout.Validate() == nil && 2*id.Parity <= id.Drives && id.Position >= 0 &&
		id.Position < id.Drives && id.Set >= 0 && id.Set < len(sizes) && sizes[id.Set] == id.Drives {
		return nil
	}
	return fmt.Errorf("%w: %s says in its format.json that it is number %d of %d with parity %d, in "+
		"set %d of %d drives: restore the file", drive.ErrCorrupt, s.path, id.Position+1, id.Drives,
		id.Parity, id.Set, totalOf(id))
}

// elect returns what most of the readable directories say. That decides if --drives names as many
// as they say there are, or if they are more than half of what it names. Otherwise there is no
// telling what is meant: an error that lists who says what.
func elect(slots []slot) (creed, error) {
	votes := make(map[creed][]string)
	for i := range slots {
		if s := &slots[i]; s.away == nil {
			votes[s.creed()] = append(votes[s.creed()], s.path)
		}
	}
	order := slices.SortedFunc(maps.Keys(votes), func(a, b creed) int {
		return cmp.Or(len(votes[b])-len(votes[a]), strings.Compare(votes[a][0], votes[b][0]))
	})
	if len(order) == 0 {
		return creed{}, fmt.Errorf("no drive can be used:%s", adviseAll(slots))
	}
	first, count := order[0], len(votes[order[0]])
	most := len(order) == 1 || count > len(votes[order[1]])
	if most && (first.drives == len(slots) || 2*count > len(slots)) {
		return first, nil
	}
	var text strings.Builder
	for _, c := range order {
		fmt.Fprintf(&text, "\n  %s: %s", c, strings.Join(votes[c], ", "))
	}
	return creed{}, fmt.Errorf("%w: it cannot be told which deployment the %d directories of "+
		"--drives are meant to be: name all drives of one, missing ones too, and nothing "+
		"else:%s%s", drive.ErrForeign, len(slots), &text, adviseAll(slots))
}

// adviseAll is listReasons for slots that were not advised of yet.
func adviseAll(slots []slot) string {
	for i := range slots {
		if slots[i].away != nil {
			slots[i].away = advise(slots[i].path, slots[i].away)
		}
	}
	return listReasons(slots)
}

// refuseStrangers refuses the drives that say something else than most.
func refuseStrangers(slots []slot, ours creed) {
	for i := range slots {
		s := &slots[i]
		switch theirs := s.creed(); {
		case s.away != nil || theirs == ours:
		case theirs.deployment == ours.deployment:
			s.away = fmt.Errorf("%w: %s says in its format.json that it is of %s, and most say it "+
				"has %d drives with parity %d: restore the file", drive.ErrForeign, s.path, theirs,
				ours.drives, ours.parity)
		default:
			s.away = fmt.Errorf("%w: %s is number %d of %s, and most directories are of "+
				"deployment %s: put the drive that belongs here in its place", drive.ErrForeign,
				s.path, s.number()+1, theirs, ours.deployment)
		}
	}
}

// refuseTwins refuses directories that are the same drive of ours, or hold the same place: one
// is a copy, which may lack writes that the other acknowledged, and nothing tells which.
func refuseTwins(slots []slot, ours creed) {
	twins := make([]error, len(slots))
	for i := range slots {
		for j := range i {
			a, b := &slots[j], &slots[i]
			if a.away != nil || b.away != nil || a.identity.DriveID != b.identity.DriveID &&
				a.number() != b.number() {
				continue
			}
			err := fmt.Errorf("%w: %s (number %d, drive %s) and %s (number %d, drive %s): one is "+
				"a copy and may lack what the other acknowledged: take the one that was not in "+
				"use last out of --drives", errTwins, a.path, a.number()+1, a.identity.DriveID,
				b.path, b.number()+1, b.identity.DriveID)
			twins[i], twins[j] = err, err
		}
	}
	for i, err := range twins {
		if err != nil {
			slots[i].away = err
		}
	}
}

// fillGaps gives the directories that are away the places nobody holds. What is left over of the
// directories is spare; a place left over has no directory.
func (set *driveSet) fillGaps(rest []slot, taken []bool) {
	for i := range set.slots {
		switch {
		case taken[i]:
		case len(rest) > 0:
			set.slots[i], rest = rest[0], rest[1:]
		default:
			set.slots[i].away = fmt.Errorf("%w: no directory of --drives is number %d of the %d "+
				"drives of the deployment: name all of them, missing ones too",
				drive.ErrUnformatted, i+1, len(set.slots))
		}
	}
	for i := range rest {
		rest[i].away = fmt.Errorf("%w; all %d places of the deployment are held by others: take "+
			"it out of --drives", rest[i].away, len(set.slots))
	}
	set.spare = rest
}
