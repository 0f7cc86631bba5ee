package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"flashstore/ioengine"
)

const (
	stopMarkName  = "log.stop"
	stopMarkMagic = "FSLOGS01"
	stopMarkBytes = blockBytes - sealedHeadBytes // of content: the file is one block
)

// stopMark is the content of log.stop: whether the drive was stopped cleanly, and where its log
// ended then, all of it durable and reflected by the index, with nothing behind it. It is taken
// back, durably, before a start writes anything else. So the start behind a clean stop need not
// read what is left of the segment to know that nothing is there, nor sync what a killed process
// may have left.
type stopMark struct {
	clean  bool
	next   location
	number uint64
}

// markOf is the mark of a clean stop at a position.
func markOf(p *position) stopMark { return stopMark{true, p.next, p.number} }

func (m stopMark) encode() []byte {
	b := make([]byte, stopMarkBytes)
	le := binary.LittleEndian
	if m.clean {
		b[0] = 1
	}
	le.PutUint64(b[8:], m.next.segment)
	le.PutUint64(b[16:], uint64(m.next.offsetBytes))
	le.PutUint64(b[24:], m.number)
	return b
}

func parseStopMark(b []byte) (m stopMark, err error) {
	if len(b) != stopMarkBytes {
		return m, fmt.Errorf("%d bytes", len(b))
	}
	le := binary.LittleEndian
	return stopMark{b[0] == 1, location{le.Uint64(b[8:]), int64(le.Uint64(b[16:]))},
		le.Uint64(b[24:])}, nil
}

// readStopMark reads the mark; none is one of a stop that was not clean.
func (l *segmentLog) readStopMark() (m stopMark, err error) {
	_, err = readSealed(l.engine, l.stopMark, stopMarkMagic, l.incarnation, blockBytes,
		"remove it: then the next start reads the log to its end, and nobody can tell whether "+
			"that was always where it ended", func(content []byte) (err error) {
			m, err = parseStopMark(content)
			return err
		})
	return m, err
}

// writeStopMark puts a mark in place of the last one; durable on return. It is written in place,
// which needs no journal commit: half of it is no mark of a clean stop.
func (l *segmentLog) writeStopMark(m stopMark) error {
	text := alignedBytes(blockBytes)
	copy(text, seal(stopMarkMagic, l.incarnation, m.encode()))
	f, err := l.engine.Files().Open(l.stopMark, ioengine.OpenFlags{Write: true, Direct: true})
	if errors.Is(err, fs.ErrNotExist) {
		return writeWhole(l.engine, l.stopMark, text)
	}
	if err != nil {
		return err
	}
	err = ioengine.Run(l.engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Write, File: f,
		Bufs: [][]byte{text}, DSync: true})
	return errors.Join(err, f.Close())
}
