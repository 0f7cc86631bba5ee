package uring

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"flashstore/ioengine"
)

const (
	// requestMaxBytes: the kernel hands longer requests to its own worker threads.
	requestMaxBytes = 512 << 10
	// requestMaxBufs is 64 KiB blocks up to requestMaxBytes, doubled for uneven edges.
	requestMaxBufs = 16
)

// transfer is the progress of one operation: which request comes next and what its result
// means. It does no system call.
type transfer struct {
	op          *ioengine.Op
	rest        [][]byte // own copy of what is left of op.Bufs
	offsetBytes int64
	// syncAfter: the write goes without RWF_DSYNC and ends with one fdatasync, because it
	// takes several requests, each of which would flush the device, or because the file
	// system does not know the flag.
	syncAfter bool
	syncing   bool
}

// start begins op. done: there is nothing to do.
func (t *transfer) start(op *ioengine.Op) (done bool) {
	t.op, t.offsetBytes = op, op.OffsetBytes
	t.syncing = op.Kind == ioengine.DataSync
	t.syncAfter = false
	t.rest = t.rest[:0]
	if t.syncing {
		return false
	}
	if op.Kind != ioengine.Read && op.Kind != ioengine.Write {
		panic(fmt.Sprintf("uring: no such kind of operation: %d", op.Kind))
	}
	t.rest = ioengine.Advance(append(t.rest, op.Bufs...), 0)
	t.syncAfter = op.DSync && op.Kind == ioengine.Write &&
		(len(t.rest) > requestMaxBufs || ioengine.TotalBytes(t.rest) > requestMaxBytes)
	return len(t.rest) == 0
}

// request is the next piece: how many of rest it takes and how much of the last of them.
func (t *transfer) request() (count, lastBytes int) {
	left := requestMaxBytes
	for _, b := range t.rest[:min(len(t.rest), requestMaxBufs)] {
		if left == 0 {
			break
		}
		count++
		lastBytes = min(len(b), left)
		left -= lastBytes
	}
	return count, lastBytes
}

// result takes what the kernel said, bytes or a negative errno. again: submit request();
// otherwise the operation is over with err.
func (t *transfer) result(res int32) (again bool, err error) {
	if res < 0 {
		return t.failed(syscall.Errno(-res))
	}
	if t.syncing {
		return false, nil
	}
	n := int(res)
	if n == 0 {
		return false, t.ended()
	}
	t.offsetBytes += int64(n)
	t.rest = ioengine.Advance(t.rest, n)
	if len(t.rest) == 0 {
		t.syncing = t.syncAfter
		return t.syncing, nil
	}
	if t.op.Kind == ioengine.Read && t.op.File.Direct() && n%ioengine.AlignBytes != 0 {
		// Only the end of the file cuts a direct read at an odd place, and the kernel would
		// refuse to go on from there.
		return false, t.ended()
	}
	return true, nil
}

// ended is the error of a request that moved nothing.
func (t *transfer) ended() error {
	if t.op.Kind == ioengine.Read {
		return fmt.Errorf("uring: read at %d: %w", t.offsetBytes, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("uring: write at %d: %w", t.offsetBytes, io.ErrShortWrite)
}

func (t *transfer) failed(errno syscall.Errno) (again bool, err error) {
	// An interrupted read or write moved nothing; an interrupted sync is a failed sync.
	if !t.syncing && errors.Is(errno, syscall.EINTR) {
		return true, nil
	}
	if t.dsync() && errors.Is(errno, syscall.EOPNOTSUPP) {
		t.syncAfter = true
		return true, nil
	}
	return false, fmt.Errorf("uring: at %d: %w", t.offsetBytes, errno)
}

// dsync reports whether the next request carries RWF_DSYNC.
func (t *transfer) dsync() bool {
	return t.op.Kind == ioengine.Write && t.op.DSync && !t.syncAfter && !t.syncing
}

// forget drops the references to the caller's memory.
func (t *transfer) forget() {
	clear(t.rest[:cap(t.rest)])
	t.rest, t.op = t.rest[:0], nil
}
