package local

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Limits of an index buffer: about what Pebble takes in at once in half a millisecond, and several
// times what commits under way have in it, so that most registers are settled when they leave.
const (
	bufferRows  = 512
	bufferBytes = 512 << 10
)

// indexBuffer holds the changes of the index that Pebble has not been told of. A register changes
// twice in a commit, when it is written and when it is settled, and counters of live bytes with
// each batch; Pebble learns only what came of it. What it holds is always the state behind one
// whole batch of the log, so a crash loses nothing that a replay does not bring back.
type indexBuffer struct {
	mu    sync.RWMutex
	rows  map[string]rowOp
	marks map[string]rowOpKind // by register: of its row that says that it waits for a settle
	bytes int
	// drained counts the times that rows went to Pebble.
	drained uint64
}

// rowOp is a change of a row.
type rowOp struct {
	kind  rowOpKind
	value []byte
}

type rowOpKind uint8

const (
	rowSet rowOpKind = iota
	rowDelete
	// rowAdd and rowDrop take turns with rows that are set once and then deleted: each takes the
	// other back.
	rowAdd
	rowDrop
	// rowMark and rowUnmark are such ones of the row that says that a register waits for a settle.
	rowMark
	rowUnmark
)

func (k rowOpKind) takenBackBy(next rowOpKind) bool {
	return k == rowAdd && next == rowDrop || k == rowDrop && next == rowAdd
}

// indexChange is one of the changes that a batch brings about.
type indexChange struct {
	row string
	rowOp
}

// put takes a change in; the caller holds mu.
func (b *indexBuffer) put(c *indexChange) {
	if c.kind == rowMark || c.kind == rowUnmark {
		b.mark(c)
		return
	}
	have, found := b.rows[c.row]
	switch {
	case found && have.kind.takenBackBy(c.kind):
		b.bytes -= len(c.row) + len(have.value)
		delete(b.rows, c.row)
		return
	case found:
		b.bytes -= len(have.value)
	default:
		b.bytes += len(c.row)
	}
	b.bytes += len(c.value)
	b.rows[c.row] = c.rowOp
}

func (b *indexBuffer) mark(c *indexChange) {
	if have, found := b.marks[c.row]; found && have != c.kind {
		delete(b.marks, c.row)
		return
	}
	b.marks[c.row] = c.kind
}

// get returns what a row will be; found is false where Pebble is to be asked, whose rows are those
// behind the given number of drains.
func (b *indexBuffer) get(row []byte) (value []byte, found bool, drained uint64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	op, found := b.rows[string(row)]
	return op.value, found, b.drained
}

// apply takes the changes of a batch in, all at once.
func (x *index) apply(changes []indexChange) error {
	b := &x.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range changes {
		b.put(&changes[i])
	}
	if len(b.rows) < bufferRows && b.bytes < bufferBytes {
		return nil
	}
	return x.drainHeld()
}

// drain tells Pebble all.
func (x *index) drain() error {
	x.buffer.mu.Lock()
	defer x.buffer.mu.Unlock()
	return x.drainHeld()
}

func (x *index) drainHeld() error {
	b := &x.buffer
	if len(b.rows) == 0 {
		return nil
	}
	batch := x.db.NewBatchWithSize(b.bytes + 16*len(b.rows) + 64*len(b.marks))
	b.appendTo(batch)
	if err := errors.Join(x.db.Apply(batch, pebble.NoSync), batch.Close()); err != nil {
		return err
	}
	clear(b.rows)
	clear(b.marks)
	b.bytes = 0
	b.drained++
	return nil
}

// appendTo puts all changes into a batch. What is set once is deleted once: the pair ends when they
// meet.
func (b *indexBuffer) appendTo(batch *pebble.Batch) {
	for row, op := range b.rows {
		var d *pebble.DeferredBatchOp
		switch op.kind {
		case rowDelete:
			d = batch.DeleteDeferred(len(row))
		case rowDrop:
			d = batch.SingleDeleteDeferred(len(row))
		default:
			d = batch.SetDeferred(len(row), len(op.value))
			copy(d.Value, op.value)
		}
		copy(d.Key, row)
		_ = d.Finish() // never fails: the batch has no index
	}
	for row, kind := range b.marks {
		d := pick(kind == rowMark, markRow, unmarkRow)(batch, len(row)+1)
		d.Key[0] = rowUnsettled
		copy(d.Key[1:], row)
		_ = d.Finish()
	}
}

func markRow(batch *pebble.Batch, bytes int) *pebble.DeferredBatchOp {
	return batch.SetDeferred(bytes, 0)
}

func unmarkRow(batch *pebble.Batch, bytes int) *pebble.DeferredBatchOp {
	return batch.SingleDeleteDeferred(bytes)
}

// newIter returns an iterator over the index as it is now.
func (x *index) newIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	if err := x.drain(); err != nil {
		return nil, err
	}
	return x.db.NewIter(o)
}
