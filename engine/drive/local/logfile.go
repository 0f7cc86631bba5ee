package local

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const (
	logSuffix = ".log"
	// zeroWriteBytes is one write of pre-writing: foreground, because commits will wait for the
	// segment, but one at a time, so that they pass.
	zeroWriteBytes = 1 << 20
	// zerosBelowBytes: segments are pre-written while batches are smaller than this on average. An
	// overwrite of written blocks needs no journal commit of the file system, which all but
	// doubles the rate of short synced writes; of long ones it saves little, and zeros take
	// as much of the device's bandwidth as the batches do.
	zerosBelowBytes = 64 << 10
)

// segmentLog is the log: a row of segments, of which the last is being written. The
// committer alone appends; reads are safe for concurrent use.
type segmentLog struct {
	engine           ioengine.Engine
	path             string // of the log's folder
	newest, stopMark string // paths of log.newest and log.stop
	// incarnation of the drive, which its files begin with
	incarnation [16]byte
	sync        bool  // durability full
	target      int64 // size of a segment, in the end
	// reserve of the file system is left free by segments longer than the shortest.
	reserve int64
	// broken is told of what is wrong with the device before anybody needs to know.
	broken func(error)

	mu    sync.RWMutex
	reads map[uint64]*logReader // opened when first needed
	size  map[uint64]int64      // of all segments

	retired atomic.Pointer[retiredList]
	// leftovers are what a crash left: unfinished files, and retired segments.
	leftovers []string
	written   atomic.Uint64 // segment of the last batch

	current     ioengine.File // direct, of segment next.segment
	currentSize int64
	next        location // where the next batch goes
	writing     location // where the one under way goes
	batches     int64    // written to the current segment since it is open
	batchesFrom int64    // offset of the first of them
	spare       chan spareSegment
	preparing   bool
	write       syncRunner
}

// spareSegment is a segment that was made ahead of its use.
type spareSegment struct {
	file      ioengine.File
	sizeBytes int64
	err       error
}

func newSegmentLog(c *Config, incarnation [16]byte, broken func(error)) *segmentLog {
	e := c.Engine
	l := &segmentLog{engine: e, path: filepath.Join(c.Path, logDir),
		newest: filepath.Join(c.Path, newestName), stopMark: filepath.Join(c.Path, stopMarkName),
		incarnation: incarnation,
		sync:        c.Durability == Full, target: c.LogSegmentBytes, reserve: c.ReserveBytes,
		broken: broken, reads: make(map[uint64]*logReader), size: make(map[uint64]int64),
		spare: make(chan spareSegment, 1), write: newSyncRunner(e)}
	l.retired.Store(&retiredList{})
	return l
}

// segmentName is the file name of a numbered segment.
func segmentName(number uint64, suffix string) string {
	return fmt.Sprintf("%08d%s", number, suffix)
}

// listSegments returns the numbers of the segments in a folder, ascending, and the paths of
// unfinished ones.
func listSegments(files ioengine.FileSystem, path, suffix string) (numbers []uint64,
	unfinished []string, err error) {
	names, err := files.List(path)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		if strings.HasSuffix(n, newSuffix) {
			unfinished = append(unfinished, filepath.Join(path, n))
			continue
		}
		if n == retiredName && suffix == logSuffix {
			continue
		}
		number, err := strconv.ParseUint(strings.TrimSuffix(n, suffix), 10, 64)
		if err != nil || segmentName(number, suffix) != n {
			return nil, nil, fmt.Errorf("%w: %s is no segment: move it away", drive.ErrForeign,
				filepath.Join(path, n))
		}
		numbers = append(numbers, number)
	}
	return numbers, unfinished, nil // List is sorted
}

func (l *segmentLog) name(segment uint64) string {
	return filepath.Join(l.path, segmentName(segment, logSuffix))
}

// resume goes on writing at a place that is known to hold zeros up to the segment's end.
func (l *segmentLog) resume(at location) error {
	f, err := l.engine.Files().Open(l.name(at.segment), ioengine.OpenFlags{Write: true,
		Direct: true})
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.current, l.currentSize, l.next = f, size, at
	l.batches, l.batchesFrom = 0, at.offsetBytes
	l.written.Store(at.segment)
	return nil
}

// room makes sure that a whole batch fits behind l.next, with a new segment if necessary: then no
// batch may be under way.
// Errors: drive.ErrFull, drive.ErrScarce, and others.
func (l *segmentLog) room() error {
	if l.hasRoom() {
		if l.next.offsetBytes > l.currentSize/2 {
			l.prepare()
		}
		return nil
	}
	s := l.takeSpare()
	if isLack(s.err) {
		s = l.takeSpare() // the first one may have failed long ago
	}
	if s.err != nil {
		return s.err
	}
	if l.current != nil {
		if err := l.flush(); err != nil {
			return err
		}
		_ = l.current.Close() // everything in it is synced
	}
	l.current, l.currentSize = s.file, s.sizeBytes
	l.next = location{l.next.segment + 1, 0}
	l.batches, l.batchesFrom = 0, 0
	l.mu.Lock()
	l.size[l.next.segment] = s.sizeBytes
	l.mu.Unlock()
	return nil
}

// takeSpare waits for the segment behind the current one.
func (l *segmentLog) takeSpare() spareSegment {
	l.prepare()
	s := <-l.spare
	l.preparing = false
	return s
}

// hasRoom: a whole batch fits into the current segment.
func (l *segmentLog) hasRoom() bool {
	return l.current != nil && l.next.offsetBytes+batchBytesMax <= l.currentSize
}

// prepare starts to make the segment behind the current one, once. Sizes grow from one
// segment to the next, so that a fresh drive is ready at once.
func (l *segmentLog) prepare() {
	if l.preparing {
		return
	}
	l.preparing = true
	size := l.sizeOfNext()
	before := segmentSize{l.next.segment, l.sizes()[l.next.segment]}
	zeros := l.wantsZeros()
	go func() {
		s := l.newSegment(before, size, zeros)
		if errors.Is(s.err, syscall.ENOSPC) && size > logSegmentMin {
			s = l.newSegment(before, logSegmentMin, true) // enough to record deletions
		}
		if s.err = lack(s.err); isLack(s.err) {
			s.err = fmt.Errorf("log segment %d: %w", before.number+1, s.err)
		} else if s.err != nil {
			l.broken(s.err)
		}
		l.spare <- s
	}()
}

// sizeOfNext is the size of the segment behind the current one. Where little is free, segments
// shrink, so that zeros do not take the space that deletions need.
func (l *segmentLog) sizeOfNext() int64 {
	size := min(l.target, max(logSegmentFirst, 4*l.currentSize))
	total, free := spaceOf(l.engine.Files(), l.path)
	for total > 0 && size > logSegmentMin && free-l.reserve < 2*size {
		size /= 2
	}
	return max(size/blockBytes*blockBytes, logSegmentMin)
}

// wantsZeros: the batches of the current segment are short, or none are there to judge by.
func (l *segmentLog) wantsZeros() bool {
	return l.next.offsetBytes-l.batchesFrom <= l.batches*zerosBelowBytes
}

// newSegment makes the segment behind another one. It reads as zeros, in allocated blocks; written
// ones if zeros is set or the file system allocates only by writing.
func (l *segmentLog) newSegment(before segmentSize, size int64, zeros bool) (s spareSegment) {
	files, path := l.engine.Files(), l.name(before.number+1)
	f, err := files.Open(path+newSuffix, ioengine.OpenFlags{Create: true, Write: true,
		Direct: true})
	if err != nil {
		return spareSegment{err: err}
	}
	if err = l.fill(f, size, zeros); err == nil {
		err = l.unnote(before)
	}
	if err == nil {
		err = files.Rename(path+newSuffix, path)
	}
	if err == nil {
		err = files.SyncDir(l.path)
	}
	if err == nil {
		err = l.noteNewest(newestNote{before, segmentSize{before.number + 1, size}})
	}
	if err != nil {
		err = errors.Join(err, f.Close())
		_ = files.Remove(path + newSuffix) // if it is not in place yet; open removes it too
		return spareSegment{err: fmt.Errorf("make %s: %w", path, err)}
	}
	return spareSegment{file: f, sizeBytes: size}
}

func (l *segmentLog) fill(f ioengine.File, size int64, zeros bool) error {
	err := f.Preallocate(0, size)
	if errors.Is(err, ioengine.ErrUnsupported) {
		zeros, err = true, nil
	}
	if err == nil && zeros {
		err = l.writeZeros(f, size)
	}
	if err != nil {
		return err
	}
	return ioengine.Run(l.engine, ioengine.Foreground,
		ioengine.Op{Kind: ioengine.DataSync, File: f})
}

func (l *segmentLog) writeZeros(f ioengine.File, size int64) error {
	zeros := alignedBytes(zeroWriteBytes)
	for at := int64(0); at < size; at += zeroWriteBytes {
		n := min(zeroWriteBytes, size-at)
		if err := ioengine.Run(l.engine, ioengine.Foreground, ioengine.Op{Kind: ioengine.Write,
			File: f, Bufs: [][]byte{zeros[:n]}, OffsetBytes: at}); err != nil {
			return err
		}
	}
	return nil
}

// place is where a record that stands so far into the next batch will be found.
func (l *segmentLog) place(s *stored, offsetBytes int64) location {
	return placeOf(s, location{l.next.segment, l.next.offsetBytes + offsetBytes})
}

// placeOf is the location of a record that begins at a place of the log: that of its inline
// shard, if it has one.
func placeOf(s *stored, at location) location {
	if s.shard == shardInline {
		at.offsetBytes += int64(s.bytes(formLog) - len(s.Inline))
	}
	return at
}

// begin starts to write one sealed batch at l.next, synced in any mode if synced says so; one is
// under way at a time.
func (l *segmentLog) begin(batch []byte, synced bool) {
	l.writing = l.next
	l.next.offsetBytes += int64(len(batch))
	l.batches++
	l.write.start(ioengine.Op{Kind: ioengine.Write, File: l.current, Bufs: [][]byte{batch},
		OffsetBytes: l.writing.offsetBytes, DSync: l.sync || synced})
}

// landed tells, once, that what begin started is over; end is to be called then.
func (l *segmentLog) landed() <-chan struct{} { return l.write.done }

// end says how the write of a batch ended. With nil it is durable, unless durability is relaxed.
func (l *segmentLog) end() error {
	if err := l.write.batch.Err(); err != nil {
		return fmt.Errorf("write %s at %d: %w", l.name(l.writing.segment), l.writing.offsetBytes, err)
	}
	l.written.Store(l.writing.segment)
	return nil
}

// flush makes the last segment durable where commits do not (durability relaxed); those
// before it are, since they were left. What is given back or removed must not be needed by
// what a power cut leaves of the log.
func (l *segmentLog) flush() error {
	segment := l.written.Load()
	if l.sync || segment == 0 {
		return nil
	}
	return l.syncSegment(segment)
}

// rewrite writes a batch again where it stands; durable on return.
func (l *segmentLog) rewrite(at location, lengthBytes int) error {
	f, err := l.engine.Files().Open(l.name(at.segment), ioengine.OpenFlags{Write: true,
		Direct: true})
	if err != nil {
		return err
	}
	defer f.Close()
	op := ioengine.Op{Kind: ioengine.Read, File: f, Bufs: [][]byte{alignedBytes(lengthBytes)},
		OffsetBytes: at.offsetBytes}
	if err := ioengine.Run(l.engine, ioengine.Foreground, op); err != nil {
		return err
	}
	op.Kind, op.DSync = ioengine.Write, true
	return ioengine.Run(l.engine, ioengine.Foreground, op)
}

func (l *segmentLog) syncSegment(segment uint64) error {
	f, err := l.engine.Files().Open(l.name(segment), ioengine.OpenFlags{Write: true})
	if err != nil {
		return err
	}
	defer f.Close()
	return ioengine.Run(l.engine, ioengine.Foreground,
		ioengine.Op{Kind: ioengine.DataSync, File: f})
}

// close ends the log; nothing may use it any more.
func (l *segmentLog) close() (err error) {
	if l.preparing {
		if s := <-l.spare; s.file != nil {
			err = s.file.Close()
		}
	}
	if l.current != nil {
		err = errors.Join(err, l.current.Close())
	}
	for _, r := range l.reads {
		err = errors.Join(err, r.file.Close())
	}
	return err
}

// syncRunner runs one operation after the other without allocating. done tells of each end.
type syncRunner struct {
	engine ioengine.Engine
	batch  *ioengine.Batch
	done   chan struct{}
}

func newSyncRunner(e ioengine.Engine) syncRunner {
	r := syncRunner{engine: e, done: make(chan struct{}, 1)}
	r.batch = &ioengine.Batch{Done: func(*ioengine.Batch) { r.done <- struct{}{} }}
	return r
}

func (r *syncRunner) start(op ioengine.Op) {
	r.batch.Ops = append(r.batch.Ops[:0], op)
	r.engine.Submit(r.batch)
}

// alignedBytes returns n bytes that O_DIRECT accepts.
func alignedBytes(n int) []byte {
	b := make([]byte, n+blockBytes)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (blockBytes - 1)
	return b[skip : skip+n : skip+n]
}

func aligned(p []byte) bool {
	return len(p) == 0 || uintptr(unsafe.Pointer(&p[0]))&(blockBytes-1) == 0
}
