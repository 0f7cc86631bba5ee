package ioengine

import (
	"errors"
	"sync/atomic"
)

// AlignBytes is the alignment of buffers, offsets and lengths on files opened Direct.
const AlignBytes = 4 << 10

// Errors of the engines. Anything else is the operating system's errno, wrapped, so that
// errors.Is(err, syscall.ENOSPC) works.
var (
	ErrClosed      = errors.New("ioengine: the engine is closed")
	ErrUnsupported = errors.New("ioengine: this file system does not support the operation")
	// ErrStuck says that Close gave up on operations that the system does not give back.
	ErrStuck = errors.New("ioengine: operations never ended; their buffers are the kernel's")
)

// Kind is what an Op does.
type Kind uint8

// The operations that go through Submit.
const (
	Read Kind = iota
	Write
	DataSync
)

// Class says whom a batch is for; lower is more urgent. queue_share.go has the rules.
type Class uint8

// The classes of I/O, in order of urgency.
const (
	Foreground Class = iota
	Repair
	Compaction
	Scrub
)

// Op is one operation of a batch.
type Op struct {
	Kind Kind
	File File
	// Bufs are filled or written in order at OffsetBytes. On a Direct file every length,
	// address and the offset are multiples of AlignBytes. Unused by DataSync.
	Bufs        [][]byte
	OffsetBytes int64
	DSync       bool // Write only: durable on completion
	Err         error
}

// Batch is a set of operations submitted together and completed together. Operations of one
// batch run in any order. It may be reused once Done was called.
type Batch struct {
	Ops   []Op
	Class Class
	// Done is called once, when every Op is finished and has its Err; it must not block.
	Done func(*Batch)

	pending atomic.Int32
}

// Arm is called by an engine's Submit before the first operation starts.
func (b *Batch) Arm() { b.pending.Store(int32(len(b.Ops))) }

// Finish is called by an engine once per finished Op; the last one calls Done.
func (b *Batch) Finish() {
	if b.pending.Add(-1) == 0 {
		b.Done(b)
	}
}

// Err returns the first error of the batch's operations.
func (b *Batch) Err() error {
	for i := range b.Ops {
		if b.Ops[i].Err != nil {
			return b.Ops[i].Err
		}
	}
	return nil
}

// Engine runs file operations. All methods are safe for concurrent use.
type Engine interface {
	// Files returns the file system the engine works on.
	Files() FileSystem
	// Submit starts all operations of b (at least one) and returns without waiting for
	// them. After Close every Op ends with ErrClosed.
	Submit(b *Batch)
	// ReadCached fills p from f at offsetBytes if that needs no wait for a device
	// (RWF_NOWAIT of preadv2(2)) and reports whether it did. false with a nil error means:
	// submit a Read instead.
	ReadCached(f File, p []byte, offsetBytes int64) (bool, error)
	// Stats counts since the engine was made.
	Stats() Stats
	// Properties says what this engine is.
	Properties() Properties
	// Close finishes what was submitted, then ends the engine's threads. What takes longer
	// than the engine's Config allows is cancelled with ErrClosed where that is possible.
	// Where it is not, Close returns ErrStuck: Done of those batches is called if ever the
	// system gives their buffers back, not before.
	Close() error
}

// Run submits ops as one batch and waits for them; it returns the first error. For paths
// where a goroutine may sleep.
func Run(e Engine, class Class, ops ...Op) error {
	done := make(chan struct{})
	b := &Batch{Ops: ops, Class: class, Done: func(*Batch) { close(done) }}
	e.Submit(b)
	<-done
	return b.Err()
}

// Properties are facts about an engine.
type Properties struct {
	Name string // the axis value: uring, threadpool (null for the harness floor)
	// Durable is false for engines that only pretend (null).
	Durable bool
	// Why says why this engine runs in place of the one asked for, or "".
	Why string
	// Detail says for people what the engine has of what it could have, or "".
	Detail string
}

// BufferRegistrar is implemented by engines whose operations cost less on memory that they
// were told of before.
type BufferRegistrar interface {
	// RegisterBuffers tells the engine of memory that Bufs will lie in. It stays mapped, with
	// the same pages (no munmap, no madvise that drops them), until release has returned, and
	// counts as resident from now on. It is no error if limits of the system leave some or
	// all of it out: Properties.Detail says so. Both calls block; neither may be made by Done.
	RegisterBuffers(p []byte) (release func())
}

// Stats are counters that prove which engine worked.
type Stats struct {
	Submissions uint64 // batches
	Enters      uint64 // io_uring_enter calls (uring)
	CQEs        uint64 // completions reaped from the ring (uring)
	PoolOps     uint64 // operations done by pool threads (threadpool)
	CachedReads uint64 // ReadCached hits
	CachedMiss  uint64 // ReadCached misses
	ReadBytes   uint64
	WriteBytes  uint64
	SyncWrites  uint64 // DSync writes and DataSyncs
	Errors      uint64
	// Requests that named their file, or their memory, by its number in the kernel (uring).
	FixedFiles, FixedBuffers uint64
	// Classes says what each Class took from the engine's line; zeros without a line (null).
	Classes [classCount]ClassStats
}
