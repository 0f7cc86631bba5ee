package local

import (
	"bytes"
	"errors"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const windowBytes = 2 << 20 // read at once while scanning

// logScan reads the log forwards from a batch boundary.
type logScan struct {
	engine      ioengine.Engine
	log         *segmentLog
	incarnation [16]byte
	class       ioengine.Class
	anyNumber   bool // the first batch may have any number

	// number is the one of the next batch, epoch the one of the last.
	number, epoch uint64
	// end is the place behind the last good batch, which has lastBytes; 0 if there was none.
	end       location
	lastBytes int
	readBytes uint64 // of all good batches
	// clean: nothing but zeros behind end.
	clean bool
	// damage is what was lost in the middle of the log.
	damage []logDamage

	buf  []byte     // of one segment's window after the other
	junk *logDamage // bad blocks with nothing good behind them so far
}

// logDamage is a stretch of the log that should have held batches.
type logDamage struct {
	Segment     uint64 `json:"segment"`
	OffsetBytes int64  `json:"offset"`
	Lost        uint64 `json:"lost_batches"` // 0 in a torn tail: unknown
	// from and to are the ends of the good batches around it; to is zero where none follows.
	from, to location
}

// holds reports whether a place of the log lies in the damage.
func (d *logDamage) holds(at location) bool {
	return !at.less(d.from) && (d.to == location{} || at.less(d.to))
}

// run calls f for every good batch from s.end on, through all segments. b is valid during
// the call. Batches are taken whole or not at all.
func (s *logScan) run(segments []uint64, f func(h *batchHeader, b []byte) error) error {
	retired := *s.log.retired.Load()
	before := s.end.segment - 1
	for _, segment := range segments {
		if segment < s.end.segment {
			continue
		}
		from := int64(0)
		if segment == s.end.segment {
			from = s.end.offsetBytes
		}
		s.skip(retired, before, segment)
		before = segment
		if err := s.segment(segment, from, f); err != nil {
			return fmt.Errorf("%s: %w", s.log.name(segment), err)
		}
	}
	s.clean = s.junk == nil
	return nil
}

// skip goes on to the number of the first batch behind segments that compaction removed.
func (s *logScan) skip(retired retiredList, before, segment uint64) {
	number, lost := retired.skip(before, segment, s.number)
	s.number = number
	if lost > 0 {
		s.damage = append(s.damage, logDamage{Segment: before, Lost: lost, from: s.end,
			to: location{segment: segment}})
		s.junk = nil
	}
}

func (s *logScan) segment(segment uint64, at int64, f func(*batchHeader, []byte) error) error {
	file, err := s.engine.Files().Open(s.log.name(segment), ioengine.OpenFlags{Direct: true})
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return err
	}
	w := window{engine: s.engine, class: s.class, file: file,
		sizeBytes: size / blockBytes * blockBytes, buf: s.buf}
	defer func() { s.buf = w.buf }()
	for at < w.sizeBytes {
		block, err := w.bytes(at, blockBytes)
		if err != nil {
			return err
		}
		if isZero(block) {
			at += blockBytes
			continue
		}
		n, err := s.batch(&w, location{segment, at}, f)
		if err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		at += int64(n)
	}
	if size != w.sizeBytes {
		s.note(location{segment, w.sizeBytes})
	}
	return nil
}

// batch takes the batch at a place that is not zero, and returns how far to go on: its
// length, or a block if nothing good begins here.
func (s *logScan) batch(w *window, at location, f func(*batchHeader, []byte) error) (int, error) {
	block, err := w.bytes(at.offsetBytes, blockBytes)
	if err != nil {
		return 0, err
	}
	h, err := parseBatchHeader(block)
	if err == nil && (h.segment != at.segment || h.offsetBytes != at.offsetBytes ||
		h.incarnation != s.incarnation ||
		h.offsetBytes+int64(h.lengthBytes) > w.sizeBytes) {
		err = fmt.Errorf("%w: it belongs elsewhere", errBatch)
	}
	var b []byte
	if err == nil {
		if b, err = w.bytes(at.offsetBytes, h.lengthBytes); err != nil {
			return 0, err
		}
		err = parseBatch(&h, b)
	}
	if err == nil && (h.number < s.number || h.epoch < s.epoch) {
		err = fmt.Errorf("%w: it is from an earlier life", errBatch)
	}
	if errors.Is(err, errBatch) {
		s.note(at)
		return blockBytes, nil
	}
	if err != nil {
		return 0, err
	}
	s.explain(&h, at)
	s.number, s.epoch = h.number+1, h.epoch
	s.end = location{at.segment, at.offsetBytes + int64(h.lengthBytes)}
	s.lastBytes = h.lengthBytes
	s.readBytes += uint64(h.lengthBytes)
	return h.lengthBytes, f(&h, b)
}

// reached tells of a batch number that the log had reached once, as log.stop or an index knows:
// what stands where the batches before it should be is damage, not a torn tail.
func (s *logScan) reached(number uint64) {
	if s.number >= number {
		return
	}
	d := logDamage{Segment: s.end.segment, OffsetBytes: s.end.offsetBytes}
	if s.junk != nil {
		d = *s.junk
	}
	d.Lost, d.from = number-s.number, s.end
	s.damage = append(s.damage, d)
	s.number, s.junk, s.clean = number, nil, false
}

// note remembers the first bad place that has nothing good behind it yet.
func (s *logScan) note(at location) {
	if s.junk == nil {
		s.junk = &logDamage{Segment: at.segment, OffsetBytes: at.offsetBytes}
	}
}

// explain decides what the bad blocks before a good batch were: the torn tail of an earlier
// life if no number is missing, otherwise batches that are lost.
func (s *logScan) explain(h *batchHeader, at location) {
	if s.anyNumber && s.junk == nil {
		s.number = h.number
	}
	s.anyNumber = false
	if h.number > s.number {
		d := logDamage{Segment: at.segment, OffsetBytes: at.offsetBytes}
		if s.junk != nil {
			d = *s.junk
		}
		d.Lost, d.from, d.to = h.number-s.number, s.end, at
		s.damage = append(s.damage, d)
	}
	s.junk = nil
}

// window reads a file forwards through one buffer.
type window struct {
	engine    ioengine.Engine
	class     ioengine.Class
	file      ioengine.File
	sizeBytes int64
	buf       []byte
	begin     int64 // offset of what is in have
	have      []byte
}

// bytes returns n bytes at an offset; valid until the next call. n is at most windowBytes.
func (w *window) bytes(at int64, n int) ([]byte, error) {
	skip := at - w.begin
	if skip < 0 || skip+int64(n) > int64(len(w.have)) {
		ahead := int(min(windowBytes, w.sizeBytes-at))
		if len(w.buf) < ahead {
			w.buf = alignedBytes(ahead)
		}
		w.begin, skip = at, 0
		w.have = w.buf[:ahead]
		if err := ioengine.Run(w.engine, w.class, ioengine.Op{Kind: ioengine.Read, File: w.file,
			Bufs: [][]byte{w.have}, OffsetBytes: at}); err != nil {
			w.have = nil
			return nil, fmt.Errorf("%w: read at %d: %w", drive.ErrCorrupt, at, err)
		}
	}
	return w.have[skip : skip+int64(n)], nil
}

func isZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}
