//go:build amd64 || arm64

package uring

import (
	"syscall"
	"unsafe"

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

	opReadv       = 1
	opWritev      = 2
	opFsync       = 3
	opReadFixed   = 4
	opWriteFixed  = 5
	opAsyncCancel = 14
	opRead        = 22
	opWrite       = 23
	opReadvFixed  = 60 // Linux 6.15
	opWritevFixed = 61

	fsyncDataSync = 1 << 0
	fixedFile     = 1 << 0 // sqe.flags: fd is a place in the file table

	cancelAll = 1 << 0
	cancelAny = 1 << 2 // Linux 5.19

	registerFiles         = 2
	registerFilesUpdate   = 6
	registerProbe         = 8
	registerBuffers2      = 15
	registerBuffersUpdate = 16

	registerSparse = 1 << 0 // Linux 5.19
	opSupported    = 1 << 0

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
	opFlags  uint32 // rw_flags, fsync_flags, cancel_flags
	userData uint64
	bufIndex uint16
	_        [22]byte
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

// filesUpdate is struct io_uring_files_update.
type filesUpdate struct {
	offset uint32
	_      uint32
	fds    uint64
}

// resourceRegister is struct io_uring_rsrc_register.
type resourceRegister struct {
	count, flags uint32
	_            uint64
	data, tags   uint64
}

// resourceUpdate is struct io_uring_rsrc_update2.
type resourceUpdate struct {
	offset, _  uint32
	data, tags uint64
	count, _   uint32
}

// opProbe is struct io_uring_probe with all its operations.
type opProbe struct {
	lastOp, opsLen uint8
	_              [14]byte
	ops            [256]struct {
		op, _ uint8
		flags uint16
		_     uint32
	}
}

// register is io_uring_register(2). argument points to memory that stays where it is: off the
// heap, or a variable of the caller's.
func register(fd int, opcode uint32, argument unsafe.Pointer, count int) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER,
		uintptr(fd), uintptr(opcode), uintptr(argument), uintptr(count), 0, 0)
	return errno
}

// enter hands over submit requests and waits until at least wait completions are there. It
// collects completions that the kernel had to put aside as well.
func enter(fd, submit, wait int) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER,
		uintptr(fd), uintptr(submit), uintptr(wait), enterGetEvents, 0, 0)
	return errno
}
