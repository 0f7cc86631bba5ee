package local

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// logReader is the buffered file of a log segment, shared by its readers. Its segment may be
// removed meanwhile: the file stays readable until the last of them lets go.
type logReader struct {
	file  ioengine.File
	users atomic.Int32 // readers, and one for the segment's being there
}

// acquire returns the reader of a segment; release gives it back. drive.ErrNotHere if
// compaction removed the segment: what lived there is elsewhere now, see the index.
func (l *segmentLog) acquire(segment uint64) (*logReader, error) {
	l.mu.RLock()
	r := l.reads[segment]
	if r != nil {
		r.users.Add(1)
	}
	l.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	return l.openReader(segment)
}

func (l *segmentLog) openReader(segment uint64) (*logReader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.reads[segment]; r != nil {
		r.users.Add(1)
		return r, nil
	}
	f, err := l.engine.Files().Open(l.name(segment), ioengine.OpenFlags{Random: true})
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.retired.Load().has(segment):
		return nil, fmt.Errorf("%w: log segment %d was compacted", drive.ErrNotHere, segment)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", drive.ErrCorrupt, err)
	case err != nil:
		return nil, err
	}
	r := &logReader{file: f}
	r.users.Store(2)
	l.reads[segment] = r
	return r, nil
}

func (r *logReader) release() {
	if r.users.Add(-1) == 0 {
		_ = r.file.Close() // it was read only
	}
}

// forget drops the reader of a segment that is gone.
func (l *segmentLog) forget(segment uint64) {
	l.mu.Lock()
	r := l.reads[segment]
	delete(l.reads, segment)
	l.mu.Unlock()
	if r != nil {
		r.release()
	}
}
