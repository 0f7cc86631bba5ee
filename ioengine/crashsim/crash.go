package crashsim

import (
	"fmt"
	"math/rand/v2"
)

// Loss says what a power cut takes.
type Loss uint8

// The losses. All of them keep what was synced.
const (
	// LoseAll: everything that was not synced is gone.
	LoseAll Loss = iota
	// LoseHalf: of what was not synced, each sector of each write survives or not; of names,
	// sizes and holes, what was done up to some moment in each directory and each file.
	LoseHalf
	// Torn: as LoseAll, but the power fails during the last operation. A write, or the end
	// of a DSync write, leaves some of its sectors: the first few, or any.
	Torn
	// LoseNone: nothing is lost, as after the death of the process. What was not synced is
	// still in the cache, where a later power cut of the new disk finds it.
	LoseNone
)

func (l Loss) String() string {
	switch l {
	case LoseAll:
		return "all lost"
	case LoseHalf:
		return "half lost"
	case Torn:
		return "torn"
	case LoseNone:
		return "none lost"
	default:
		return fmt.Sprintf("Loss(%d)", uint8(l))
	}
}

// powerCut makes what stands on the medium out of a state.
type powerCut struct {
	loss   Loss
	random *rand.Rand
	before *state
	torn   *op // what was under way, or nil
	after  *state
}

func (p powerCut) run() *state {
	if p.loss == LoseNone {
		return p.before.fork()
	}
	p.after = newState()
	p.walk(0, 0)
	return p.after
}

// walk copies what a directory holds on the medium, names in order, so that the same seed
// tosses the same coins.
func (p powerCut) walk(from, to int) {
	survived := p.names(p.before.dirs[from])
	kept := make(names, len(survived))
	for i, e := range survived {
		kept[i] = e
		if e.isDir {
			kept[i].id = len(p.after.dirs)
			p.after.dirs = append(p.after.dirs, new(dir))
			p.walk(e.id, kept[i].id)
			continue
		}
		kept[i].id = len(p.after.files)
		c := p.content(e.id, p.before.files[e.id])
		p.after.files = append(p.after.files, &file{live: c, base: c, durable: c, linked: true})
	}
	p.after.dirs[to] = &dir{live: kept, base: kept}
}

func (p powerCut) names(d *dir) names {
	n := d.base
	if p.loss == LoseHalf {
		pending := d.pending.inOrder()
		for _, o := range pending[:p.moment(len(pending))] {
			n = o.onNames(n)
		}
	}
	return n
}

// moment is how many of count operations survive: none, all, or some, a third each.
func (p powerCut) moment(count int) int {
	if count == 0 {
		return 0
	}
	switch p.random.IntN(3) {
	case 0:
		return 0
	case 1:
		return count
	default:
		return p.random.IntN(count + 1)
	}
}

func (p powerCut) content(id int, f *file) content {
	c := f.base
	switch {
	case f.pending == nil:
	case p.loss == LoseHalf:
		pending := f.pending.inOrder()
		sectors := func() uint8 { return uint8(p.random.Uint32()) }
		c = fold(f.base, pending, p.moment(len(pending)), sectors).trimmed()
	default:
		c = f.durable.trimmed()
	}
	if p.torn != nil && p.torn.file == id {
		c = p.tear(c, p.torn.on(f.live))
	}
	return c
}

// tear lets some sectors of the operation under way reach the medium.
func (p powerCut) tear(medium, cached content) content {
	o := p.torn
	first := o.from / sectorBytes
	count := int((o.to-1)/sectorBytes - first + 1)
	prefix := -1
	if p.random.IntN(2) == 0 {
		prefix = p.random.IntN(count + 1)
	}
	e := medium.edit()
	landedUpTo := int64(0)
	for i := range count {
		if prefix >= 0 && i >= prefix || prefix < 0 && p.random.IntN(2) == 0 {
			continue
		}
		sector := first + int64(i)
		e.land(cached, int(sector/pageSectors), 1<<(sector%pageSectors))
		landedUpTo = min((sector+1)*sectorBytes, o.to)
	}
	// The file's new size is on its way too: not there, there for what landed, or there.
	switch p.random.IntN(3) {
	case 0:
		e.grow(min(landedUpTo, cached.sizeBytes))
	case 1:
		e.grow(min(o.to, cached.sizeBytes))
	}
	return e.trimmed()
}

// fold is what the medium holds after pending, oldest first, on top of base. The first
// metadata of them changed the file's size and holes there for good; sectors says which
// sectors of a page reached it out of each write. What was synced did in any case.
//
// Next to the medium it follows what the cache held: a sector is always written whole, with
// whatever else the cache had in it. So there may be bytes behind the end of the file.
func fold(base content, pending []*op, metadata int, sectors func() uint8) content {
	for i, o := range pending {
		if o.action == dataSync {
			metadata = max(metadata, countUpTo(pending[:i], o.upTo))
		}
	}
	cached := base.edit()
	medium := base.edit()
	var dirty []*op
	for i, o := range pending {
		o.apply(cached)
		switch o.action {
		case write:
			dirty = append(dirty, o)
			landSome(medium, cached.content, o, sectors)
			if i < metadata {
				medium.grow(o.to)
			}
		case commit:
			landAll(medium, cached.content, o)
			medium.grow(min(o.to, cached.sizeBytes))
		case dataSync:
			dirty = syncDirty(medium, cached.content, dirty, o.upTo)
		case syncFailed:
			dirty = forsake(dirty, o)
		case flip:
			o.apply(medium)
		default:
			if i < metadata {
				o.apply(medium)
			}
		}
	}
	return medium.content
}

func countUpTo(pending []*op, number int) int {
	n := 0
	for n < len(pending) && pending[n].number <= number {
		n++
	}
	return n
}

func landSome(medium *edit, cached content, o *op, sectors func() uint8) {
	for at := o.from; at < o.to; {
		index := pageOf(at)
		end := min(o.to, int64(index+1)*pageBytes)
		medium.land(cached, index, sectors()&sectorsOf(at, end))
		at = end
	}
}

func landAll(medium *edit, cached content, o *op) {
	landSome(medium, cached, o, func() uint8 { return 1<<pageSectors - 1 })
}

// sectorsOf are the sectors of a page that a range within it touches.
func sectorsOf(from, to int64) uint8 {
	first := from % pageBytes / sectorBytes
	last := (to - 1) % pageBytes / sectorBytes
	return uint8(1<<(last+1) - 1<<first)
}

// syncDirty writes what was dirty up to an operation, and returns the rest.
func syncDirty(medium *edit, cached content, dirty []*op, upTo int) []*op {
	var later []*op
	for _, o := range dirty {
		if o.number <= upTo {
			landAll(medium, cached, o)
		} else {
			later = append(later, o)
		}
	}
	return later
}

// forsake returns what is still dirty after a sync failed: the kernel marks as clean what it
// could not write.
func forsake(dirty []*op, failed *op) []*op {
	var left []*op
	for _, o := range dirty {
		one := failed.committed != 0
		if one && o.number != failed.committed || !one && o.number > failed.upTo {
			left = append(left, o)
		}
	}
	return left
}
