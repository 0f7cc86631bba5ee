package local

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"

	"flashstore/engine/drive"
)

// liveBytes counts, by segment of the log or of bulk storage, the bytes that registers refer
// to. The committer changes it, anybody may ask; its rows go with the index batches.
type liveBytes struct {
	row byte // rowLive or rowLogLive

	mu    sync.Mutex
	bytes map[uint64]int64
	moved map[uint64]struct{} // changed since the last index batch
}

func newLiveBytes(row byte) *liveBytes {
	return &liveBytes{row: row, bytes: make(map[uint64]int64), moved: make(map[uint64]struct{})}
}

func (l *liveBytes) add(segment uint64, n int64) {
	l.mu.Lock()
	l.bytes[segment] += n
	l.moved[segment] = struct{}{}
	l.mu.Unlock()
}

func (l *liveBytes) of(segment uint64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes[segment]
}

// all returns the segments that hold something.
func (l *liveBytes) all() map[uint64]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.bytes)
}

// appendTo appends the rows that changed to those of a batch; sealed says that it is complete.
func (l *liveBytes) appendTo(changes []indexChange) []indexChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	for segment := range l.moved {
		row, op := numberedRow(l.row, segment), rowOp{kind: rowDelete}
		if n := l.bytes[segment]; n != 0 {
			op = rowOp{rowSet, binary.LittleEndian.AppendUint64(nil, uint64(n))}
		} else {
			delete(l.bytes, segment)
		}
		changes = append(changes, indexChange{string(row), op})
	}
	return changes
}

func (l *liveBytes) sealed() {
	l.mu.Lock()
	clear(l.moved)
	l.mu.Unlock()
}

// load reads the rows of the index.
func (l *liveBytes) load(x *index) error {
	return x.each([]byte{l.row}, func(k, v []byte) error {
		if len(k) != 9 || len(v) != 8 {
			return fmt.Errorf("%w: live row of %d bytes", drive.ErrCorrupt, len(v))
		}
		l.bytes[binary.BigEndian.Uint64(k[1:])] = int64(binary.LittleEndian.Uint64(v))
		return nil
	})
}
