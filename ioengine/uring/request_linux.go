//go:build amd64 || arm64

package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// request queues the next request of the operation in slot index.
func (r *ring) request(index uint32) {
	slot := &r.slots[index]
	slot.generation++
	t := &slot.transfer
	s := r.queues.next()
	s.userData = uint64(slot.generation)<<32 | uint64(index)
	if place := r.place(t.op.File); place != placeNone {
		s.fd, s.flags = place, fixedFile
		r.counters.FixedFiles.Add(1)
	} else {
		s.fd = int32(t.op.File.Fd())
	}
	if t.syncing {
		s.opcode, s.opFlags = opFsync, fsyncDataSync
		return
	}
	s.off = uint64(t.offsetBytes)
	if t.dsync() {
		s.opFlags = unix.RWF_DSYNC
	}
	count, lastBytes := t.request()
	bufs := t.rest[:count]
	write := t.op.Kind == ioengine.Write
	region := r.buffers.find(bufs)
	if region >= 0 {
		s.bufIndex = uint16(region)
		r.counters.FixedBuffers.Add(1)
	}
	s.opcode = opcode(write, count > 1, region >= 0)
	if count == 1 {
		s.addr, s.len = address(bufs[0]), uint32(lastBytes)
		return
	}
	table := r.iovecs[int(index)*requestMaxBufs:][:count]
	for i, b := range bufs {
		table[i] = iovec{base: address(b), len: uint64(len(b))}
	}
	table[count-1].len = uint64(lastBytes)
	s.addr = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(table))))
	s.len = uint32(count)
}

// opcode of a read or write.
func opcode(write, vector, fixed bool) uint8 {
	switch {
	case vector && fixed:
		return pick(write, opWritevFixed, opReadvFixed)
	case vector:
		return pick(write, opWritev, opReadv)
	case fixed:
		return pick(write, opWriteFixed, opReadFixed)
	default:
		return pick(write, opWrite, opRead)
	}
}

func pick(write bool, writeOp, readOp uint8) uint8 {
	if write {
		return writeOp
	}
	return readOp
}

func address(p []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p)))) }
