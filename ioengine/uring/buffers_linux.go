//go:build amd64 || arm64

package uring

import (
	"syscall"
	"unsafe"

	"flashstore/ioengine"
)

const (
	regionsMax = 64
	// regionMaxBytes is the kernel's limit for one registered buffer.
	regionMaxBytes = 1 << 30
	// regionMinBytes: where RLIMIT_MEMLOCK leaves less than this, nothing is registered.
	regionMinBytes = 64 << 10
)

// region is memory that the kernel has pinned for a ring, at an index of its table.
type region struct {
	start, end uint64 // addresses; empty: the index is free
}

func (g region) bytes() uint64 { return g.end - g.start }

// bufferTable is a ring's table of registered memory. It belongs to the ring's owner.
type bufferTable struct {
	queues  *queues
	open    bool
	regions []region // by index
	vectors bool     // READV_FIXED and WRITEV_FIXED are there
	vector  *iovec   // off-heap: what the kernel reads in an update
}

// setUp registers a table without memory. The kernel may refuse: then open stays false.
func (t *bufferTable) setUp(q *queues, vector *iovec) {
	t.queues, t.vector = q, vector
	table := resourceRegister{count: regionsMax, flags: registerSparse}
	t.open = register(q.fd, registerBuffers2, unsafe.Pointer(&table),
		int(unsafe.Sizeof(table))) == 0
	var p opProbe
	if register(q.fd, registerProbe, unsafe.Pointer(&p), len(p.ops)) == 0 {
		t.vectors = p.ops[opReadvFixed].flags&opSupported != 0 &&
			p.ops[opWritevFixed].flags&opSupported != 0
	}
}

// find returns the index of the region that holds all of bufs, or -1.
func (t *bufferTable) find(bufs [][]byte) int {
	if len(bufs) > 1 && !t.vectors {
		return -1
	}
	for i, g := range t.regions {
		if within(g, bufs) {
			return i
		}
	}
	return -1
}

func within(g region, bufs [][]byte) bool {
	for _, b := range bufs {
		if start := address(b); start < g.start || start+uint64(len(b)) > g.end {
			return false
		}
	}
	return true
}

// add registers as much of the memory from start to end as the kernel takes: a prefix, in
// pieces of at most regionMaxBytes, smaller ones where RLIMIT_MEMLOCK asks for that (ENOMEM).
// It returns the indexes and why it is not all.
func (t *bufferTable) add(start, end uint64) (indexes []int, err error) {
	if !t.open {
		return nil, syscall.ENOSYS
	}
	for piece := uint64(regionMaxBytes); start < end; {
		piece = min(piece, end-start)
		index := t.freeIndex()
		if index < 0 {
			return indexes, syscall.ENOSPC
		}
		errno := t.update(index, region{start, start + piece})
		switch {
		case errno == 0:
			indexes = append(indexes, index)
			start += piece
		case errno == syscall.ENOMEM && piece/2 >= regionMinBytes:
			piece = piece / 2 &^ (ioengine.AlignBytes - 1)
		default:
			return indexes, errno
		}
	}
	return indexes, nil
}

// remove takes a region back. Requests in flight keep its pages. No request may be waiting in
// the queue.
func (t *bufferTable) remove(index int) { _ = t.update(index, region{}) }

func (t *bufferTable) freeIndex() int {
	for i, g := range t.regions {
		if g.bytes() == 0 {
			return i
		}
	}
	if len(t.regions) == regionsMax {
		return -1
	}
	t.regions = append(t.regions, region{})
	return len(t.regions) - 1
}

func (t *bufferTable) update(index int, g region) syscall.Errno {
	*t.vector = iovec{base: g.start, len: g.bytes()}
	u := resourceUpdate{
		offset: uint32(index),
		data:   uint64(uintptr(unsafe.Pointer(t.vector))),
		count:  1,
	}
	errno := register(t.queues.fd, registerBuffersUpdate, unsafe.Pointer(&u),
		int(unsafe.Sizeof(u)))
	if errno == 0 {
		t.regions[index] = g
	}
	return errno
}
