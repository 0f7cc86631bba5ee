//go:build amd64 || arm64

package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
	"flashstore/ioengine/osfile"
)

// registerAfter is how many operations a file has in a ring before it gets a place there: a
// file that is opened for little is not worth the system calls.
const registerAfter = 4

// fileTable is a ring's table of registered files. It belongs to the ring's owner.
//
// The table refers to the open file itself, not to its number: a place never means another
// file than the one it was filled with, whatever becomes of the descriptor. What could go
// wrong is a place given to the next file while a request that names it is not yet taken by
// the kernel; so places are emptied only when no request is waiting in the queue.
type fileTable struct {
	queues *queues
	free   []int32 // places
	total  int
	number *int32 // off-heap: what the kernel reads in an update
}

// filePlace is what one ring knows about one file. It belongs to the ring's owner.
type filePlace struct {
	uses  int
	place int32 // placeNone, or the place in the table
	gone  bool  // the file was closed
}

const placeNone = -1

// fileRecord is what an engine hangs on a file.
type fileRecord struct {
	engine *Engine
	rings  []filePlace
}

// open registers a table without files, a smaller one where RLIMIT_NOFILE asks for that
// (EMFILE). The kernel may refuse: then there are no places.
func (t *fileTable) open(q *queues, number *int32, count int) {
	t.queues, t.number = q, number
	if count <= 0 {
		return
	}
	empty, err := unix.Mmap(-1, 0, count*4, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return
	}
	defer func() { _ = unix.Munmap(empty) }()
	for i := range empty {
		empty[i] = 0xff // -1: no file
	}
	for ; count > 0; count /= 2 {
		errno := register(q.fd, registerFiles, unsafe.Pointer(unsafe.SliceData(empty)), count)
		if errno == 0 {
			break
		}
		if errno != unix.EMFILE {
			return
		}
	}
	t.total = count
	for i := range count {
		t.free = append(t.free, int32(count-1-i))
	}
}

// place returns f's place, giving it one if it has none, or placeNone: use the descriptor.
func (r *ring) place(f ioengine.File) int32 {
	if r.files.total == 0 {
		return placeNone
	}
	of, ok := f.(*osfile.File)
	if !ok {
		return placeNone
	}
	record, ok := of.Attached().(*fileRecord)
	if !ok {
		record = r.engine.attach(of)
	}
	if record == nil || record.engine != r.engine {
		return placeNone
	}
	p := &record.rings[r.number]
	if p.place == placeNone && !p.gone {
		if p.uses++; p.uses >= registerAfter {
			r.files.fill(p, f.Fd())
		}
	}
	return p.place
}

// fill gives p a place, if there is one and the kernel agrees.
func (t *fileTable) fill(p *filePlace, fd uintptr) {
	if len(t.free) == 0 {
		return
	}
	place := t.free[len(t.free)-1]
	if t.update(place, int32(fd)) {
		t.free = t.free[:len(t.free)-1]
		p.place = place
	}
}

// empty takes the place back. Requests in flight keep the file, and so may the kernel's disk
// space, until they are done. No request may be waiting in the queue.
func (t *fileTable) empty(p *filePlace) {
	p.gone = true
	if p.place == placeNone {
		return
	}
	if t.update(p.place, -1) {
		t.free = append(t.free, p.place)
	}
	p.place = placeNone
}

func (t *fileTable) update(place, fd int32) bool {
	*t.number = fd
	u := filesUpdate{
		offset: uint32(place),
		fds:    uint64(uintptr(unsafe.Pointer(t.number))),
	}
	return register(t.queues.fd, registerFilesUpdate, unsafe.Pointer(&u), 1) == 0
}

// attach hangs a record on f; nil if there is somebody else's.
func (e *Engine) attach(f *osfile.File) *fileRecord {
	record := &fileRecord{engine: e, rings: make([]filePlace, len(e.rings))}
	for i := range record.rings {
		record.rings[i].place = placeNone
	}
	if f.Attach(record, func() { e.forget(record) }) {
		return record
	}
	other, _ := f.Attached().(*fileRecord) // another ring was quicker
	return other
}

// forget empties the places of a closed file, so that its disk space can be given back.
func (e *Engine) forget(record *fileRecord) {
	for _, r := range e.rings {
		r.post(func() { r.files.empty(&record.rings[r.number]) })
	}
}
