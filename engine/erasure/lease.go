package erasure

import (
	"fmt"
	"sync/atomic"

	"flashstore/arena"
	"flashstore/engine/object"
)

// lease is blocks shared by several borrowers; the last to drop it returns them.
type lease struct {
	allocator arena.Allocator
	blocks    []*arena.Block
	holders   atomic.Int32
	onReturn  func() // may be nil
}

// borrow takes n blocks of a; the caller is the first holder.
func borrow(a arena.Allocator, n, home int) (*lease, error) {
	l := &lease{allocator: a, blocks: make([]*arena.Block, n)}
	if err := a.Borrow(l.blocks, home); err != nil {
		return nil, fmt.Errorf("%w: %w", object.ErrBusy, err)
	}
	l.holders.Store(1)
	return l, nil
}

// grow adds n blocks; the caller is the only holder.
func (l *lease) grow(n, home int) ([]*arena.Block, error) {
	more := make([]*arena.Block, n)
	if err := l.allocator.Borrow(more, home); err != nil {
		return nil, fmt.Errorf("%w: %w", object.ErrBusy, err)
	}
	l.blocks = append(l.blocks, more...)
	return more, nil
}

func (l *lease) hold() { l.holders.Add(1) }

func (l *lease) drop() {
	if l.holders.Add(-1) != 0 {
		return
	}
	l.allocator.Return(l.blocks)
	if l.onReturn != nil {
		l.onReturn()
	}
}
