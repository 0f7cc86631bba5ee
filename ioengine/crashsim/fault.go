package crashsim

import (
	"path"
	"slices"
	"strings"
)

// Kinds is a set of kinds of requests.
type Kinds uint32

// The kinds of requests.
const (
	Read  Kinds = 1 << iota
	Write       // without DSync
	DSyncWrite
	DataSync
	SyncDir
	Open // of an existing file
	Create
	MakeDir
	Remove
	Rename
	List
	Lock
	Truncate
	Preallocate
	Punch

	Syncs     = DSyncWrite | DataSync | SyncDir
	Mutations = Write | Syncs | Create | MakeDir | Remove | Rename | Truncate | Preallocate | Punch
	Anything  = Mutations | Read | Open | List | Lock
)

// Fault is one line of a script: which requests it meets, and what happens to them.
type Fault struct {
	// Kinds that match; 0: Anything.
	Kinds Kinds
	// Path is a pattern of path.Match: of the whole path if it has a slash in it, else of its
	// last element. Empty matches all. A file has the path under which it was opened, and a
	// rename matches under both names.
	Path string
	// Nth of the matching requests is met, counted from 1 since Fail; 0 is 1.
	Nth int
	// Onwards meets all later ones as well.
	Onwards bool

	// Before is called before the request has any effect, on the goroutine that carries it
	// out and without locks: it may wait, call the disk, or cut its power.
	Before func()
	// Err ends the request, in an fs.PathError. A sync that fails this way leaves its data in
	// the cache, marked clean: no later sync writes it (what Linux does).
	Err error
	// Partly is how many bytes of a failing write reach the cache all the same.
	Partly int64
	// FlipMask is put over byte FlipAt of what a read returns.
	FlipMask byte
	FlipAt   int64
}

// armed is a Fault with its count.
type armed struct {
	Fault
	seen int
}

// Fail replaces the script. Each request is counted by all faults that match it; of those
// that meet it the first acts. Without arguments nothing fails any more.
func (d *Disk) Fail(script ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.script = nil
	for _, f := range script {
		if f.Kinds == 0 {
			f.Kinds = Anything
		}
		f.Nth = max(f.Nth, 1)
		d.script = append(d.script, &armed{Fault: f})
	}
}

// Faults is how many requests were met by a Fault since the disk was made.
func (d *Disk) Faults() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults
}

// request is what a fault and a power cut may do to a request.
type request struct {
	Fault     // that met it, or nothing
	begun int // the last operation before it
}

// admit counts a request and waits if it must. It is called without locks.
func (d *Disk) admit(kind Kinds, paths ...string) request {
	d.mu.Lock()
	r := request{begun: d.state.op}
	met := false
	for _, f := range d.script {
		if !f.matches(kind, paths) {
			continue
		}
		f.seen++
		if !met && (f.seen == f.Nth || f.Onwards && f.seen > f.Nth) {
			r.Fault, met = f.Fault, true
		}
	}
	if met {
		d.faults++
	}
	d.mu.Unlock()
	if r.Before != nil {
		r.Before()
	}
	return r
}

// scripted says whether a request could be met by a fault.
func (d *Disk) scripted(kind Kinds, name string) bool {
	return slices.ContainsFunc(d.script, func(f *armed) bool {
		return f.matches(kind, []string{name})
	})
}

func (f *armed) matches(kind Kinds, paths []string) bool {
	if f.Kinds&kind == 0 {
		return false
	}
	return f.Path == "" || slices.ContainsFunc(paths, func(name string) bool {
		if !strings.Contains(f.Path, "/") {
			name = path.Base(name)
		}
		matched, err := path.Match(f.Path, name)
		return matched && err == nil
	})
}
