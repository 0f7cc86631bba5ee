package local

import (
	"fmt"
	"maps"
	"slices"

	"flashstore/ioengine"
)

// measure notes how long the segments are that a start found.
func (l *segmentLog) measure(segments []uint64) error {
	for _, n := range segments {
		size, err := sizeOfFile(l.engine.Files(), l.name(n))
		if err != nil {
			return err
		}
		l.size[n] = size
	}
	return nil
}

func sizeOfFile(files ioengine.FileSystem, path string) (int64, error) {
	f, err := files.Open(path, ioengine.OpenFlags{})
	if err != nil {
		return 0, err
	}
	defer f.Close() // it was read only
	return f.Size()
}

// firstHeader is the header of the batch that a segment begins with. errBatch: none is there, as in
// a segment that was not used or whose first batch is torn.
func (l *segmentLog) firstHeader(segment uint64) (h batchHeader, err error) {
	f, err := l.engine.Files().Open(l.name(segment), ioengine.OpenFlags{Direct: true})
	if err != nil {
		return h, err
	}
	defer f.Close() // it was read only
	size, err := f.Size()
	if err != nil {
		return h, err
	}
	if size < blockBytes {
		return h, fmt.Errorf("%w: no block", errBatch)
	}
	block := alignedBytes(blockBytes)
	if err := ioengine.Run(l.engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Read, File: f,
		Bufs: [][]byte{block}}); err != nil {
		return h, fmt.Errorf("%w: %w", errBatch, err) // whoever needs what is there will say so
	}
	return parseBatchHeader(block)
}

// sizes returns all segments with their lengths.
func (l *segmentLog) sizes() map[uint64]int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return maps.Clone(l.size)
}

// from returns the segments from one on, ascending.
func (l *segmentLog) from(first uint64) []uint64 {
	list := slices.Sorted(maps.Keys(l.sizes()))
	at, _ := slices.BinarySearch(list, first)
	return list[at:]
}

// hasBefore reports whether there are segments before one.
func (l *segmentLog) hasBefore(segment uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for n := range l.size {
		if n < segment {
			return true
		}
	}
	return false
}

// remove gives a retired segment's space back, once its last reader lets go. A file that a
// crash brings back is removed by the next start.
func (l *segmentLog) remove(segment uint64) error {
	l.forget(segment)
	l.mu.Lock()
	delete(l.size, segment)
	l.mu.Unlock()
	return l.engine.Files().Remove(l.name(segment))
}
