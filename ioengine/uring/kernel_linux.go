//go:build amd64 || arm64

package uring

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Constants and structures of the kernel interface: io_uring_setup(2), io_uring_enter(2),
// include/uapi/linux/io_uring.h.
const (
	setupClamp        = 1 << 4
	setupSubmitAll    = 1 << 7  // Linux 5.18
	setupCoopTaskrun  = 1 << 8  // Linux 5.19
	setupSingleIssuer = 1 << 12 // Linux 6.0
	setupDeferTaskrun = 1 << 13 // Linux 6.1

	featureSingleMmap = 1 << 0
	featureNoDrop     = 1 << 1
	featureRWCurPos   = 1 << 3 // came with OP_READ and OP_WRITE, Linux 5.6
	featuresNeeded    = featureSingleMmap | featureNoDrop | featureRWCurPos

	enterGetEvents = 1 << 0

	mapRings = 0
	mapSQEs  = 0x10000000

	opReadv  = 1
	opWritev = 2
	opFsync  = 3
	opRead   = 22
	opWrite  = 23

	fsyncDataSync = 1 << 0

	sqeBytes = 64
	cqeBytes = 16
)

// sqe is struct io_uring_sqe.
type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32 // rw_flags, fsync_flags
	userData uint64
	_        [24]byte
}

// cqe is struct io_uring_cqe.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// iovec is struct iovec of a 64-bit system, with the address as a number: the table is
// outside the Go heap.
type iovec struct {
	base uint64
	len  uint64
}

// sqOffsets and cqOffsets are struct io_sqring_offsets and io_cqring_offsets.
type sqOffsets struct {
	head, tail, ringMask, ringEntries, flags, dropped, array, resv1 uint32
	userAddr                                                        uint64
}

type cqOffsets struct {
	head, tail, ringMask, ringEntries, overflow, cqes, flags, resv1 uint32
	userAddr                                                        uint64
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle uint32
	features, wqFD                                         uint32
	resv                                                   [3]uint32
	sqOff                                                  sqOffsets
	cqOff                                                  cqOffsets
}

// enter hands over submit requests and waits until at least wait completions are there. It
// collects completions that the kernel had to put aside as well.
func enter(fd, submit, wait int) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER,
		uintptr(fd), uintptr(submit), uintptr(wait), enterGetEvents, 0, 0)
	return errno
}
