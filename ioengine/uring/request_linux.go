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
	s.fd = int32(t.op.File.Fd())
	if t.syncing {
		s.opcode, s.opFlags = opFsync, fsyncDataSync
		return
	}
	s.off = uint64(t.offsetBytes)
	if t.dsync() {
		s.opFlags = unix.RWF_DSYNC
	}
	count, lastBytes := t.request()
	write := t.op.Kind == ioengine.Write
	if count == 1 {
		s.opcode = pick(write, opWrite, opRead)
		s.addr, s.len = address(t.rest[0]), uint32(lastBytes)
		return
	}
	table := r.iovecs[int(index)*requestMaxBufs:][:count]
	for i, b := range t.rest[:count] {
		table[i] = iovec{base: address(b), len: uint64(len(b))}
	}
	table[count-1].len = uint64(lastBytes)
	s.opcode = pick(write, opWritev, opReadv)
	s.addr = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(table))))
	s.len = uint32(count)
}

func pick(write bool, writeOp, readOp uint8) uint8 {
	if write {
		return writeOp
	}
	return readOp
}

func address(p []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p)))) }
