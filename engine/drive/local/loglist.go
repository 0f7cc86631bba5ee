package local

import (
	"maps"
	"slices"
	"sync"

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

// headsAtOnce is how many segments firstBlocks reads at a time.
const headsAtOnce = 64

// firstBlocks calls f for each segment with the block that it begins with: nil if it has none or
// that cannot be read, which whoever needs what is there will say. The block is valid during the
// call.
func (l *segmentLog) firstBlocks(segments []uint64,
	f func(segment uint64, block []byte) error) error {
	memory := alignedBytes(min(len(segments), headsAtOnce) * blockBytes)
	for len(segments) > 0 {
		some := segments[:min(len(segments), headsAtOnce)]
		segments = segments[len(some):]
		if err := l.readFirst(some, memory, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *segmentLog) readFirst(segments []uint64, memory []byte,
	f func(segment uint64, block []byte) error) error {
	batches := make([]ioengine.Batch, len(segments))
	var under sync.WaitGroup
	for i, n := range segments {
		file, err := l.engine.Files().Open(l.name(n), ioengine.OpenFlags{Direct: true})
		if err != nil {
			under.Wait()
			return err
		}
		defer file.Close() // it was read only
		under.Add(1)
		batches[i] = ioengine.Batch{Done: func(*ioengine.Batch) { under.Done() },
			Ops: []ioengine.Op{{Kind: ioengine.Read, File: file,
				Bufs: [][]byte{memory[i*blockBytes:][:blockBytes]}}}}
		l.engine.Submit(&batches[i])
	}
	under.Wait()
	for i, n := range segments {
		block := memory[i*blockBytes:][:blockBytes]
		if batches[i].Err() != nil {
			block = nil
		}
		if err := f(n, block); err != nil {
			return err
		}
	}
	return nil
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
