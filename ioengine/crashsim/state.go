package crashsim

import "slices"

// state is a disk after some operation: what its users see, and what the medium holds of it.
// Its slices change, what they point to does not.
type state struct {
	op    int // the number of the last operation
	files []*file
	dirs  []*dir // 0 is "/"
}

type file struct {
	live content // as its users see it
	base content // the medium's, before pending
	// pending are the operations since the medium held all of the file.
	pending *change
	// durable is what the medium holds of base and pending for certain, bytes behind the end
	// of the file included: fold without luck.
	durable content
	// unsettled counts pending operations that no commit made durable.
	unsettled int
	// settledAt is the last operation after which the medium held all of the file.
	settledAt int
	// forsaken: a sync failed, and no later one writes what it should have written.
	forsaken bool
	linked   bool
}

type dir struct {
	live, base names
	pending    *change
}

func newState() *state { return &state{dirs: []*dir{new(dir)}} }

// fork returns a copy that goes its own way.
func (s *state) fork() *state {
	return &state{op: s.op, files: slices.Clone(s.files), dirs: slices.Clone(s.dirs)}
}

// apply does the next operation.
func (s *state) apply(o *op) {
	s.op = o.number
	switch o.action {
	case create, makeDir, remove, rename, syncDir:
		s.applyNames(o)
	default:
		f := *s.files[o.file]
		f.apply(o)
		s.files[o.file] = &f
	}
}

func (s *state) applyNames(o *op) {
	d := *s.dirs[o.dir]
	switch o.action {
	case create:
		s.files = append(s.files, &file{linked: true})
	case makeDir:
		s.dirs = append(s.dirs, new(dir))
	case remove:
		s.unlink(o.entry)
	case rename:
		if replaced, ok := d.live.find(o.newName); ok {
			s.unlink(replaced)
		}
	case syncDir:
		d.sync(o.upTo)
		s.dirs[o.dir] = &d
		return
	}
	d.live = o.onNames(d.live)
	d.pending = &change{o, d.pending}
	s.dirs[o.dir] = &d
}

func (s *state) unlink(e entry) {
	if !e.isDir {
		f := *s.files[e.id]
		f.linked = false
		s.files[e.id] = &f
	}
}

// sync makes the names durable that were there when operation upTo was done.
func (d *dir) sync(upTo int) {
	var later *change
	for _, o := range d.pending.inOrder() {
		if o.number <= upTo {
			d.base = o.onNames(d.base)
		} else {
			later = &change{o, later}
		}
	}
	d.pending = later
}

// apply does o and, where all of the file is on the medium then, forgets what was pending.
func (f *file) apply(o *op) {
	f.live = o.on(f.live)
	switch o.action {
	case commit:
		if o.committed <= f.settledAt {
			return // a DataSync was faster
		}
		f.unsettled--
	case dataSync:
		if !f.forsaken && (f.pending == nil || f.pending.number <= o.upTo) {
			f.unsettled = 0
		}
	case syncFailed:
		f.forsaken = f.forsaken || f.pending != nil
	case flip:
	default:
		f.unsettled++
	}
	if f.unsettled == 0 {
		*f = file{live: f.live, base: f.live, durable: f.live, settledAt: o.number,
			linked: f.linked}
		return
	}
	f.pending = &change{o, f.pending}
	switch o.action {
	case commit:
		e := f.durable.edit()
		landAll(e, f.live, o)
		e.grow(min(o.to, f.live.sizeBytes))
		f.durable = e.content
	case flip:
		f.durable = o.on(f.durable)
	case dataSync:
		f.durable = fold(f.base, f.pending.inOrder(), 0, func() uint8 { return 0 })
	}
}
