package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const (
	logSuffix      = ".log"
	zeroWriteBytes = 1 << 20 // one write of pre-writing; one at a time, so that commits pass
)

// segmentLog is the log: a row of segments, of which the last is being written. The
// committer alone appends; reads are safe for concurrent use.
type segmentLog struct {
	engine ioengine.Engine
	path   string // of the log's folder
	sync   bool   // durability full
	target int64  // size of a segment, in the end

	mu    sync.RWMutex
	reads map[uint64]ioengine.File // buffered, opened when first needed

	current     ioengine.File // direct, of segment next.segment
	currentSize int64
	next        location // where the next batch goes
	spare       chan spareSegment
	preparing   bool
	write       syncRunner
}

// spareSegment is a segment that was written with zeros ahead of its use.
type spareSegment struct {
	file      ioengine.File
	sizeBytes int64
	err       error
}

func newSegmentLog(e ioengine.Engine, path string, durable bool, target int64) *segmentLog {
	return &segmentLog{engine: e, path: filepath.Join(path, logDir), sync: durable,
		target: target, reads: make(map[uint64]ioengine.File),
		spare: make(chan spareSegment, 1), write: newSyncRunner(e)}
}

// segmentName is the file name of a numbered segment.
func segmentName(number uint64, suffix string) string {
	return fmt.Sprintf("%08d%s", number, suffix)
}

// listSegments returns the numbers of the segments in a folder, ascending; unfinished ones
// are removed.
func listSegments(files ioengine.FileSystem, path, suffix string) ([]uint64, error) {
	names, err := files.List(path)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, n := range names {
		if strings.HasSuffix(n, newSuffix) {
			if err := files.Remove(filepath.Join(path, n)); err != nil {
				return nil, err
			}
			continue
		}
		number, err := strconv.ParseUint(strings.TrimSuffix(n, suffix), 10, 64)
		if err != nil || segmentName(number, suffix) != n {
			return nil, fmt.Errorf("%w: %s is no segment: move it away", drive.ErrForeign,
				filepath.Join(path, n))
		}
		numbers = append(numbers, number)
	}
	return numbers, nil // List is sorted
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
	return nil
}

// room makes sure that a whole batch fits behind l.next, with a new segment if necessary.
// Errors: drive.ErrFull, and others.
func (l *segmentLog) room() error {
	if l.current != nil && l.next.offsetBytes+batchBytesMax <= l.currentSize {
		if l.next.offsetBytes > l.currentSize/2 {
			l.prepare()
		}
		return nil
	}
	l.prepare()
	s := <-l.spare
	l.preparing = false
	if s.err != nil {
		return s.err
	}
	if l.current != nil {
		_ = l.current.Close() // everything in it is synced
	}
	l.current, l.currentSize = s.file, s.sizeBytes
	l.next = location{l.next.segment + 1, 0}
	return nil
}

// prepare starts to pre-write the segment behind the current one, once. Sizes grow from one
// segment to the next, so that a fresh drive is ready at once.
func (l *segmentLog) prepare() {
	if l.preparing {
		return
	}
	l.preparing = true
	size := min(l.target, max(logSegmentFirst, 4*l.currentSize))
	number := l.next.segment + 1
	go func() {
		s := l.preWrite(number, size)
		if errors.Is(s.err, syscall.ENOSPC) && size > logSegmentMin {
			s = l.preWrite(number, logSegmentMin) // enough to record deletions
		}
		if errors.Is(s.err, syscall.ENOSPC) {
			s.err = fmt.Errorf("%w: log segment %d: %w", drive.ErrFull, number, s.err)
		}
		l.spare <- s
	}()
}

// preWrite makes a segment full of zeros: an overwrite of written blocks needs no journal
// commit of the file system and syncs more than twice as fast.
func (l *segmentLog) preWrite(number uint64, size int64) (s spareSegment) {
	files, path := l.engine.Files(), l.name(number)
	f, err := files.Open(path+newSuffix, ioengine.OpenFlags{Create: true, Write: true,
		Direct: true})
	if err != nil {
		return spareSegment{err: err}
	}
	if err = l.writeZeros(f, size); err == nil {
		err = files.Rename(path+newSuffix, path)
	}
	if err == nil {
		err = files.SyncDir(l.path)
	}
	if err != nil {
		err = errors.Join(err, f.Close())
		_ = files.Remove(path + newSuffix) // gives the space back; open removes it too
		return spareSegment{err: fmt.Errorf("pre-write %s: %w", path, err)}
	}
	return spareSegment{file: f, sizeBytes: size}
}

func (l *segmentLog) writeZeros(f ioengine.File, size int64) error {
	if err := f.Preallocate(0, size); err != nil && !errors.Is(err, ioengine.ErrUnsupported) {
		return err
	}
	zeros := alignedBytes(zeroWriteBytes)
	for at := int64(0); at < size; at += zeroWriteBytes {
		n := min(zeroWriteBytes, size-at)
		if err := ioengine.Run(l.engine, ioengine.Compaction, ioengine.Op{Kind: ioengine.Write,
			File: f, Bufs: [][]byte{zeros[:n]}, OffsetBytes: at}); err != nil {
			return err
		}
	}
	if !l.sync {
		return nil
	}
	return ioengine.Run(l.engine, ioengine.Compaction,
		ioengine.Op{Kind: ioengine.DataSync, File: f})
}

// append writes one sealed batch at l.next; durable on return unless durability is relaxed.
func (l *segmentLog) append(batch []byte) error {
	err := l.write.run(ioengine.Op{Kind: ioengine.Write, File: l.current,
		Bufs: [][]byte{batch}, OffsetBytes: l.next.offsetBytes, DSync: l.sync})
	if err != nil {
		return fmt.Errorf("write %s at %d: %w", l.name(l.next.segment), l.next.offsetBytes, err)
	}
	l.next.offsetBytes += int64(len(batch))
	return nil
}

// reader returns the buffered file of a segment.
func (l *segmentLog) reader(segment uint64) (ioengine.File, error) {
	l.mu.RLock()
	f := l.reads[segment]
	l.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.reads[segment]; f != nil {
		return f, nil
	}
	f, err := l.engine.Files().Open(l.name(segment), ioengine.OpenFlags{Random: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", drive.ErrCorrupt, err)
	}
	if err != nil {
		return nil, err
	}
	l.reads[segment] = f
	return f, nil
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
	for _, f := range l.reads {
		err = errors.Join(err, f.Close())
	}
	return err
}

// syncRunner runs one operation after the other without allocating.
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

func (r *syncRunner) run(op ioengine.Op) error {
	r.batch.Ops = append(r.batch.Ops[:0], op)
	r.engine.Submit(r.batch)
	<-r.done
	return r.batch.Err()
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
