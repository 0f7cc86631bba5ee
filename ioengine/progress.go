package ioengine

import (
	"fmt"
	"sync/atomic"
	"syscall"
)

// Advance drops the first n bytes from bufs, in place, and returns what is left. It changes
// the slice it is given: engines call it on their own copy of Op.Bufs.
func Advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// TotalBytes is the sum of the lengths of bufs.
func TotalBytes(bufs [][]byte) int {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	return total
}

// HoldFiles keeps the files of b open until ReleaseFile was called for each operation. It sets
// Err of each: to EBADF, for those whose file is closed already. Such an operation is not
// held and must not be begun.
func HoldFiles(b *Batch) {
	for i := range b.Ops {
		op := &b.Ops[i]
		op.Err = nil
		if h, ok := op.File.(Holder); ok && !h.Hold() {
			op.Err = fmt.Errorf("ioengine: the file is closed: %w", syscall.EBADF)
		}
	}
}

// ReleaseFile ends the hold on op's file, before Err is set to how op ended.
func ReleaseFile(op *Op) {
	if h, ok := op.File.(Holder); ok && op.Err == nil {
		h.Release()
	}
}

// ReleaseFiles ends the holds of a batch of which nothing was begun.
func ReleaseFiles(b *Batch) {
	for i := range b.Ops {
		ReleaseFile(&b.Ops[i])
	}
}

// Refuse ends all operations of an armed batch with err, on a goroutine of its own, because
// the submitter may hold locks that Done takes.
func Refuse(b *Batch, err error) {
	go func() {
		for i, n := 0, len(b.Ops); i < n; i++ {
			b.Ops[i].Err = err
			b.Finish()
		}
	}()
}

// Counters are the Stats of an engine while it runs.
type Counters struct {
	Submissions, Enters, CQEs, PoolOps, CachedReads, CachedMiss atomic.Uint64
	FixedFiles, FixedBuffers                                    atomic.Uint64
	readBytes, writeBytes, syncWrites, errors                   atomic.Uint64
}

// Count records that op ended, with its Err set.
func (c *Counters) Count(op *Op) {
	switch {
	case op.Err != nil:
		c.errors.Add(1)
	case op.Kind == Read:
		c.readBytes.Add(uint64(TotalBytes(op.Bufs)))
	case op.Kind == Write:
		c.writeBytes.Add(uint64(TotalBytes(op.Bufs)))
	}
	if op.Kind == DataSync || op.DSync {
		c.syncWrites.Add(1)
	}
}

// CountCached records the outcome of a ReadCached of n bytes.
func (c *Counters) CountCached(hit bool, n int) {
	if !hit {
		c.CachedMiss.Add(1)
		return
	}
	c.CachedReads.Add(1)
	c.readBytes.Add(uint64(n))
}

// Stats is a snapshot.
func (c *Counters) Stats() Stats {
	return Stats{
		Submissions: c.Submissions.Load(),
		Enters:      c.Enters.Load(),
		CQEs:        c.CQEs.Load(),
		PoolOps:     c.PoolOps.Load(),
		CachedReads: c.CachedReads.Load(),
		CachedMiss:  c.CachedMiss.Load(),
		ReadBytes:   c.readBytes.Load(),
		WriteBytes:  c.writeBytes.Load(),
		SyncWrites:  c.syncWrites.Load(),
		Errors:      c.errors.Load(),

		FixedFiles:   c.FixedFiles.Load(),
		FixedBuffers: c.FixedBuffers.Load(),
	}
}
