package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

const (
	newestName  = "log.newest"
	newestMagic = "FSLOGN01"
	newestBytes = 2 * 16 // of content
)

// segmentSize is a segment of the log and how long it is.
type segmentSize struct {
	number    uint64
	sizeBytes int64
}

// newestNote is the content of log.newest: the last segment that was made, and the one before it,
// in which the log may still go on. It is written before anything is written to the segment, so
// that the loss of the log's end is noticed even where no index and no later segment tells of it.
type newestNote struct{ before, last segmentSize }

func (n newestNote) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, newestBytes)
	for _, s := range []segmentSize{n.before, n.last} {
		b = le.AppendUint64(b, s.number)
		b = le.AppendUint64(b, uint64(s.sizeBytes))
	}
	return b
}

func parseNewest(b []byte) (n newestNote, err error) {
	if len(b) != newestBytes {
		return n, fmt.Errorf("%d bytes of segments", len(b))
	}
	le := binary.LittleEndian
	n.before = segmentSize{le.Uint64(b), int64(le.Uint64(b[8:]))}
	n.last = segmentSize{le.Uint64(b[16:]), int64(le.Uint64(b[24:]))}
	return n, nil
}

// noteNewest notes, durably, what segments the log ends with.
func (l *segmentLog) noteNewest(n newestNote) error {
	return writeWhole(l.engine, l.newest, seal(newestMagic, l.incarnation, n.encode()))
}

// unnote takes back what the note says of the segment behind another one, if that is there: it is
// about to be replaced, and its successor may be shorter.
func (l *segmentLog) unnote(before segmentSize) error {
	_, err := sizeOfFile(l.engine.Files(), l.name(before.number+1))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return l.noteNewest(newestNote{before, before})
}

// checkNewest looks for the segments that log.newest tells of, among those whose size is known.
// Errors: see lost. A drive that never wrote has no note.
func (l *segmentLog) checkNewest() error {
	var n newestNote
	found, err := readSealed(l.engine, l.newest, newestMagic, l.incarnation,
		sealedHeadBytes+newestBytes, "remove it if you know that no file is missing in "+l.path+
			", otherwise "+replaceAdvice, func(content []byte) (err error) {
			n, err = parseNewest(content)
			return err
		})
	if err != nil || !found {
		return err
	}
	known := fmt.Sprintf("which %s tells of", filepath.Base(l.newest))
	for _, s := range []segmentSize{n.before, n.last} {
		size, found := l.size[s.number]
		switch {
		case s.number == 0 || l.retired.Load().has(s.number):
		case !found:
			return lost(l.name(s.number), known)
		case size < s.sizeBytes:
			return lost("the end of "+l.name(s.number), fmt.Sprintf("%s (%d bytes are left of %d)",
				known, size, s.sizeBytes))
		}
	}
	return nil
}
