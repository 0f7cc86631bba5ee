package crashsim

import "fmt"

// action is what one numbered operation does to the disk.
type action uint8

const (
	write action = iota
	commit
	dataSync
	syncFailed
	truncate
	preallocate
	punch
	flip
	create
	makeDir
	remove
	rename
	syncDir
)

func (a action) String() string {
	switch a {
	case write:
		return "write"
	case commit:
		return "end of the DSync write"
	case dataSync:
		return "DataSync"
	case syncFailed:
		return "failed sync"
	case truncate:
		return "truncate"
	case preallocate:
		return "preallocate"
	case punch:
		return "punch"
	case flip:
		return "flip"
	case create:
		return "create"
	case makeDir:
		return "mkdir"
	case remove:
		return "remove"
	case rename:
		return "rename"
	case syncDir:
		return "SyncDir"
	default:
		return fmt.Sprintf("action %d", uint8(a))
	}
}

// op is a numbered operation: an entry of the journal. It never changes.
type op struct {
	number int
	action action
	path   string

	file      int // write to flip
	from, to  int64
	parts     []part // write
	mask      byte   // flip
	upTo      int    // dataSync, syncFailed, syncDir: the last operation it covers
	committed int    // commit, syncFailed of a DSync write: the number of that write

	dir     int   // create to syncDir
	entry   entry // create, makeDir; remove and rename: the entry that goes
	newName string
}

func (o *op) String() string {
	switch o.action {
	case write, commit, preallocate, punch:
		return fmt.Sprintf("%s of %s [%d, %d)", o.action, o.path, o.from, o.to)
	case truncate:
		return fmt.Sprintf("truncate of %s to %d", o.path, o.to)
	case rename:
		return fmt.Sprintf("rename of %s to %s", o.path, o.newName)
	default:
		return fmt.Sprintf("%s of %s", o.action, o.path)
	}
}

// on does to a content what o does to the file as its users see it.
func (o *op) on(c content) content {
	switch o.action {
	case write, truncate, preallocate, punch, flip:
	default:
		return c
	}
	e := c.edit()
	o.apply(e)
	return e.content
}

func (o *op) apply(e *edit) {
	switch o.action {
	case write:
		e.write(o.parts)
		e.grow(o.to)
	case truncate:
		e.truncate(o.to)
	case preallocate:
		e.preallocate(o.from, o.to)
	case punch:
		e.punch(o.from, o.to)
	case flip:
		old := byte(0)
		if p := e.page(pageOf(o.from)); p != nil {
			old = p[o.from%pageBytes]
		}
		if o.from < e.sizeBytes {
			e.patch(pageOf(o.from), int(o.from%pageBytes), []byte{old ^ o.mask})
		}
	}
}

// onNames does to a directory's names what o does.
func (o *op) onNames(n names) names {
	switch o.action {
	case create, makeDir:
		return n.with(o.entry)
	case remove:
		return n.without(o.entry.name)
	case rename:
		moved := o.entry
		moved.name = o.newName
		return n.without(o.entry.name).with(moved)
	default:
		return n
	}
}

// change is an operation that is not durable yet, or that matters to one that is not: a list
// from the newest to the oldest, shared between snapshots.
type change struct {
	*op
	before *change
}

// inOrder returns the operations from the oldest on.
func (c *change) inOrder() []*op {
	n := 0
	for at := c; at != nil; at = at.before {
		n++
	}
	ops := make([]*op, n)
	for at := c; at != nil; at = at.before {
		n--
		ops[n] = at.op
	}
	return ops
}
