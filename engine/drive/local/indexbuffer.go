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
	batch := x.db.NewBatchWithSize(b.bytes + 16*len(b.rows))
	err := b.appendTo(batch)
	if err == nil {
		err = x.db.Apply(batch, pebble.NoSync)
	}
	if err = errors.Join(err, batch.Close()); err != nil {
		return err
	}
	clear(b.rows)
	b.bytes = 0
	b.drained++
	return nil
}

func (b *indexBuffer) appendTo(batch *pebble.Batch) (err error) {
	for row, op := range b.rows {
		key := []byte(row)
		switch op.kind {
		case rowSet, rowAdd:
			err = batch.Set(key, op.value, nil)
		case rowDelete:
			err = batch.Delete(key, nil)
		case rowDrop:
			err = batch.SingleDelete(key, nil) // it was set once: the pair ends when they meet
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newIter returns an iterator over the index as it is now.
func (x *index) newIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	if err := x.drain(); err != nil {
		return nil, err
	}
	return x.db.NewIter(o)
}
