package threadpool

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"flashstore/ioengine"
)

// iovecsMax is IOV_MAX of Linux, macOS and FreeBSD.
const iovecsMax = 1024

// calls are the system calls of a worker. readVector and writeVector may move less than they
// were asked to.
type calls struct {
	readVector  func(fd int, bufs [][]byte, offsetBytes int64) (int, error)
	writeVector func(fd int, bufs [][]byte, offsetBytes int64, dsync bool) (int, error)
	dataSync    func(fd int) error
}

func systemCalls() calls { return calls{readVector, writeVector, dataSync} }

// run does op. rest is a copy of op.Bufs that may be changed.
func (e *Engine) run(op *ioengine.Op, rest [][]byte) error {
	var err error
	switch op.Kind {
	case ioengine.Read:
		err = e.read(op, rest)
	case ioengine.Write:
		err = e.write(op, rest)
	case ioengine.DataSync:
		err = e.calls.dataSync(int(op.File.Fd()))
	default:
		panic(fmt.Sprintf("threadpool: no such kind of operation: %d", op.Kind))
	}
	if err != nil {
		return fmt.Errorf("threadpool: at %d: %w", op.OffsetBytes, err)
	}
	return nil
}

// read fills rest, continuing short reads; the end of the file is io.ErrUnexpectedEOF.
func (e *Engine) read(op *ioengine.Op, rest [][]byte) error {
	fd, offsetBytes := int(op.File.Fd()), op.OffsetBytes
	for rest = ioengine.Advance(rest, 0); len(rest) > 0; {
		n, err := e.calls.readVector(fd, rest[:min(len(rest), iovecsMax)], offsetBytes)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		offsetBytes += int64(n)
		rest = ioengine.Advance(rest, n)
		if op.File.Direct() && n%ioengine.AlignBytes != 0 && len(rest) > 0 {
			// Only the end of the file cuts a direct read at an odd place, and the kernel
			// would refuse to go on from there.
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// write moves all of rest; with DSync each piece is durable when its call returns, or one
// fdatasync at the end makes all of them so.
func (e *Engine) write(op *ioengine.Op, rest [][]byte) error {
	fd, offsetBytes := int(op.File.Fd()), op.OffsetBytes
	syncAfter := op.DSync && e.noDSync.Load()
	for rest = ioengine.Advance(rest, 0); len(rest) > 0; {
		piece := rest[:min(len(rest), iovecsMax)]
		n, err := e.calls.writeVector(fd, piece, offsetBytes, op.DSync && !syncAfter)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, errNoDSync) && !syncAfter {
			e.noDSync.Store(true)
			syncAfter = true
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		offsetBytes += int64(n)
		rest = ioengine.Advance(rest, n)
	}
	if syncAfter {
		return e.calls.dataSync(fd)
	}
	return nil
}
