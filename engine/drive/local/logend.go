package local

import (
	"fmt"
	"path/filepath"
	"slices"

	"flashstore/ioengine"
)

// cleanStop reads the mark of the last stop, and looks for the log's end that it tells of: whoever
// takes a log that lost its end for a whole one answers "not here" for what he forgot.
// doubt says why a mark counts for nothing, as that of a stop that was not clean; for err see lost.
func (l *segmentLog) cleanStop(segments []uint64) (mark stopMark, doubt, err error) {
	if mark, doubt = l.readStopMark(); doubt != nil || !mark.clean {
		return stopMark{}, doubt, nil
	}
	err = l.checkReached(segments, mark.next, mark.number,
		"which "+filepath.Base(l.stopMark)+" tells of")
	if err == nil {
		doubt = l.checkEndsAt(segments, mark.next)
	}
	if doubt != nil || err != nil {
		return stopMark{}, doubt, err
	}
	return mark, nil, nil
}

// checkReached refuses a log that ends before a place that it had reached once: behind the batch
// before the one of a number. known says how that is known. Errors: see lost.
func (l *segmentLog) checkReached(segments []uint64, at location, number uint64,
	known string) error {
	name, size := l.name(at.segment), l.size[at.segment]
	switch {
	case number <= 1:
		return nil // nothing was ever written, so no segment need be there
	case at.segment > lastOf(segments):
		return lost(name, known)
	case l.retired.Load().has(at.segment):
		return nil // of a time before the log's compaction
	case size < at.offsetBytes:
		return lost("the end of "+name, fmt.Sprintf("%s (%d bytes are left of at least %d)", known,
			size, at.offsetBytes))
	}
	if !l.hasBatchBefore(at, number-1) {
		return lost(fmt.Sprintf("batch %d, which ended at %d in %s,", number-1, at.offsetBytes, name),
			known)
	}
	return nil
}

// hasBatchBefore reports whether the batch of a number ends at a place. It may be damaged, or
// unreadable: then one batch is lost, not the log's end (logScan.reached), and the index may know
// what was in it.
func (l *segmentLog) hasBatchBefore(at location, number uint64) bool {
	from := max(0, at.offsetBytes-batchBytesMax)
	b, err := l.readBlocks(location{at.segment, from}, at.offsetBytes-from)
	if err != nil {
		return true
	}
	for ; len(b) >= blockBytes; b, from = b[blockBytes:], from+blockBytes {
		h, err := parseBatchHeader(b)
		if err == nil && h.incarnation == l.incarnation && h.number == number &&
			h.segment == at.segment && h.offsetBytes == from && h.lengthBytes == len(b) {
			return true
		}
	}
	return false
}

// checkEndsAt looks for what a log that ended at a place does not have: then whoever said that
// knows nothing of what came later.
func (l *segmentLog) checkEndsAt(segments []uint64, at location) error {
	later := func(n uint64, offsetBytes int64) error {
		return fmt.Errorf("%s is older than the log, which goes on in %s at %d", l.stopMark, l.name(n),
			offsetBytes)
	}
	if l.size[at.segment] > at.offsetBytes {
		block, err := l.readBlocks(at, blockBytes)
		if err != nil {
			return err
		}
		if !isZero(block) {
			return later(at.segment, at.offsetBytes)
		}
	}
	first, _ := slices.BinarySearch(segments, at.segment+1)
	return l.firstBlocks(segments[first:], func(n uint64, block []byte) error {
		if !isZero(block) {
			return later(n, 0)
		}
		return nil
	})
}

// readBlocks reads what a segment has at a place, past the page cache.
func (l *segmentLog) readBlocks(at location, bytes int64) ([]byte, error) {
	f, err := l.engine.Files().Open(l.name(at.segment), ioengine.OpenFlags{Direct: true})
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was read only
	b := alignedBytes(int(bytes))
	err = ioengine.Run(l.engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Read, File: f,
		Bufs: [][]byte{b}, OffsetBytes: at.offsetBytes})
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", l.name(at.segment), at.offsetBytes, err)
	}
	return b, nil
}
