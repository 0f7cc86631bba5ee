package local

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const (
	bulkSuffix    = ".seg"
	punchBytesMin = 1 << 20 // smaller runs wait for their neighbours
)

// bulkStore owns the bulk segments: it reserves extents and gives them back. Within a
// segment space is handed out once, upwards, and never again; segment numbers grow for ever,
// because the segment of the highest number is never removed.
type bulkStore struct {
	engine       ioengine.Engine
	path         string // of the bulk folder
	segmentBytes int64  // of a new segment, where there is room
	reserveBytes int64  // of the file system, left free by new segments
	sync         bool

	grow   sync.Mutex // one reservation at a time
	active []*bulkSegment
	turn   int

	mu       sync.RWMutex
	segments map[uint64]*bulkSegment
	highest  uint64
	// loose extents are reserved but in no record; key: first extent of a shard.
	loose   map[extent][]extent
	punched atomic.Uint64
}

// bulkSegment is one file. The fields below mu of bulkStore are guarded by it.
type bulkSegment struct {
	number    uint64
	sizeBytes int64
	next      int64       // everything below is handed out; guarded by grow
	dirty     atomic.Bool // holds sealed shards that are not synced

	active bool
	used   int64 // bytes loose, committed, or released but not given back
	write  ioengine.File
	read   ioengine.File
	users  int // readers that hold the read file
	gone   bool
	holes  bool      // punched in this life
	runs   []freeRun // released, too short to punch; by offset
}

// openBulk lists the segments of an earlier life; they are read and punched, not filled. A number
// that registers refer to is not used again, even where its file is gone.
func openBulk(c *Config, live *liveBytes) (*bulkStore, error) {
	s := &bulkStore{engine: c.Engine, path: filepath.Join(c.Path, bulkDir),
		segmentBytes: c.BulkSegmentBytes, reserveBytes: c.ReserveBytes,
		sync:   c.Durability == Full,
		active: make([]*bulkSegment, c.BulkStreams), segments: make(map[uint64]*bulkSegment),
		loose: make(map[extent][]extent)}
	numbers, _, err := listSegments(c.Engine.Files(), s.path, bulkSuffix)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		size, err := sizeOfFile(c.Engine.Files(), s.name(n))
		if err != nil {
			return nil, err
		}
		s.segments[n] = &bulkSegment{number: n, sizeBytes: size, next: size, used: live.of(n)}
		s.highest = n
	}
	for n := range live.all() {
		s.highest = max(s.highest, n)
	}
	return s, nil
}

// reportMissing logs which segments are gone that registers refer to.
func (s *bulkStore) reportMissing(live *liveBytes, log *slog.Logger) {
	for n, bytes := range live.all() {
		if s.segments[n] == nil {
			log.Error("bulk segment is missing, what it held is lost here; bring it back, or heal "+
				"this drive", "file", s.name(n), "bytes", bytes)
		}
	}
}

func (s *bulkStore) name(number uint64) string {
	return filepath.Join(s.path, segmentName(number, bulkSuffix))
}

// reserve hands out whole blocks: one extent, or several if a segment is too small for all.
// The extents are loose until claimed or freed. Errors: drive.ErrFull.
func (s *bulkStore) reserve(bytes int64) ([]extent, error) {
	s.grow.Lock()
	defer s.grow.Unlock()
	var list []extent
	for rest := bytes; rest > 0; {
		g, err := s.roomFor(min(rest, s.segmentBytes))
		if err != nil {
			s.free(list)
			return nil, err
		}
		n := min(rest, g.sizeBytes-g.next)
		list = append(list, extent{g.number, g.next, n})
		g.next += n
		rest -= n
		s.mu.Lock()
		g.used += n
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.loose[list[0]] = list
	s.mu.Unlock()
	return list, nil
}

// roomFor returns an active segment with so many bytes left; the streams take turns, so that
// writers in parallel do not all extend one file. Where there is no room for another segment,
// what is left in any stream counts.
func (s *bulkStore) roomFor(bytes int64) (*bulkSegment, error) {
	s.turn = (s.turn + 1) % len(s.active)
	g := s.active[s.turn]
	if g.has(bytes) {
		return g, nil
	}
	fresh, err := s.create(bytes)
	if errors.Is(err, drive.ErrFull) {
		for _, other := range s.active {
			if other.has(bytes) {
				return other, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	s.active[s.turn] = fresh
	if g != nil {
		s.retire(g)
	}
	return fresh, nil
}

// has reports whether so many bytes can still be handed out; g may be nil.
func (g *bulkSegment) has(bytes int64) bool { return g != nil && g.sizeBytes-g.next >= bytes }

// create makes a segment with room for so many bytes at least.
func (s *bulkStore) create(leastBytes int64) (*bulkSegment, error) {
	number := s.highest + 1
	path, files := s.name(number), s.engine.Files()
	w, err := files.Open(path, ioengine.OpenFlags{Create: true, Exclusive: true, Write: true,
		Direct: true})
	if err != nil {
		return nil, lack(err)
	}
	size, err := s.allocate(w, max(leastBytes, bulkSegmentMin))
	if err == nil {
		err = files.SyncDir(s.path)
	}
	var r ioengine.File
	if err == nil {
		r, err = files.Open(path, ioengine.OpenFlags{Random: true})
	}
	if err != nil {
		_ = w.Close()
		_ = files.Remove(path) // an empty file of the next number is no harm either
		return nil, fmt.Errorf("bulk segment %s: %w", path, lack(err))
	}
	g := &bulkSegment{number: number, sizeBytes: size, active: true, write: w, read: r}
	s.mu.Lock()
	s.segments[number] = g
	s.highest = number
	s.mu.Unlock()
	return g, nil
}

// allocate gives an empty file its space and says how much: a whole segment, or on a drive that
// is nearly full a half of it, a quarter and so on, down to leastBytes. What a segment takes is
// gone from the free space at once, so it leaves the reserve, and above it as much again for
// the log: else one segment would stop all writes long before it is filled.
func (s *bulkStore) allocate(w ioengine.File, leastBytes int64) (sizeBytes int64, err error) {
	for size := s.segmentBytes; ; size = max(size/2/blockBytes*blockBytes, leastBytes) {
		if size <= leastBytes {
			return size, s.allocateSize(w, size, size)
		}
		if err = s.allocateSize(w, size, 2*size); !errors.Is(err, drive.ErrFull) {
			return size, err
		}
	}
}

// allocateSize refuses if the file system has less above the reserve than roomBytes.
func (s *bulkStore) allocateSize(w ioengine.File, sizeBytes, roomBytes int64) error {
	if total, free := spaceOf(s.engine.Files(), s.path); total > 0 && free-s.reserveBytes < roomBytes {
		return fmt.Errorf("%w: %d bytes free, %d of them kept for deletions", drive.ErrFull,
			free, s.reserveBytes)
	}
	err := w.Preallocate(0, sizeBytes)
	if errors.Is(err, ioengine.ErrUnsupported) {
		err = w.Truncate(sizeBytes)
	}
	if err != nil {
		err = errors.Join(err, w.Truncate(0)) // some file systems keep a part
	}
	return lack(err)
}

// wrote classes the error of a write of bulk data. But for a lack of space or of file descriptors
// it takes the drive out of service: nobody knows what a device that refuses writes does to the
// others.
func (d *Drive) wrote(err error) error {
	if err = lack(err); err == nil || isLack(err) {
		return err
	}
	return d.fail(fmt.Errorf("bulk write: %w", err))
}

// retire ends the filling of a segment and gives its unused end back.
func (s *bulkStore) retire(g *bulkSegment) {
	if g.next < g.sizeBytes {
		s.punch(g, freeRun{g.next, g.sizeBytes - g.next})
	}
	s.mu.Lock()
	g.active = false
	s.mu.Unlock()
	s.removeIfDead(g)
}

// adopt counts extents that an earlier life released but did not give back.
func (s *bulkStore) adopt(list []extent) {
	for _, x := range list {
		s.highest = max(s.highest, x.segment)
		if g := s.segments[x.segment]; g != nil {
			g.used += x.lengthBytes
		}
	}
}

// sizeOf returns the length of a segment's file.
func (s *bulkStore) sizeOf(number uint64) (int64, error) {
	g, err := s.acquire(number)
	if err != nil {
		return 0, err
	}
	defer s.done(g)
	return g.read.Size()
}

// isLoose reports whether a shard was reserved here and is in no record yet.
func (s *bulkStore) isLoose(list []extent) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(list) > 0 && s.loose[list[0]] != nil
}

// claim says that a record refers to the shard now.
func (s *bulkStore) claim(list []extent) {
	s.mu.Lock()
	delete(s.loose, list[0])
	s.mu.Unlock()
}

// abandon gives a shard back if no record refers to it.
func (s *bulkStore) abandon(list []extent) {
	if len(list) == 0 {
		return
	}
	s.mu.Lock()
	loose := s.loose[list[0]] != nil
	delete(s.loose, list[0])
	s.mu.Unlock()
	if loose {
		s.free(list)
	}
}

// writer returns the direct file of a segment of this life.
func (s *bulkStore) writer(number uint64) (ioengine.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.segments[number]
	if g == nil || g.write == nil {
		return nil, fmt.Errorf("%w: bulk segment %d is not open for writing", drive.ErrClosed,
			number)
	}
	return g.write, nil
}

// acquire returns a segment whose read file stays open until it is given to done.
// drive.ErrNotHere if the segment is gone: all of it was released.
func (s *bulkStore) acquire(number uint64) (*bulkSegment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[number]
	if g == nil {
		return nil, fmt.Errorf("%w: %s", drive.ErrNotHere, s.name(number))
	}
	if g.read == nil {
		f, err := s.engine.Files().Open(s.name(number), ioengine.OpenFlags{Random: true})
		if err != nil {
			return nil, err
		}
		g.read = f
	}
	g.users++
	return g, nil
}

func (s *bulkStore) done(g *bulkSegment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.users--
	if g.gone && g.users == 0 && g.read != nil {
		_ = g.read.Close()
		g.read = nil
	}
}

// syncOps appends a DataSync for every segment of list that holds unsynced shards. What is
// sealed before this call is durable once the operations are done.
func (s *bulkStore) syncOps(ops []ioengine.Op, list []extent) []ioengine.Op {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, x := range list {
		g := s.segments[x.segment]
		if g != nil && g.write != nil && g.dirty.Swap(false) {
			ops = append(ops, ioengine.Op{Kind: ioengine.DataSync, File: g.write})
		}
	}
	return ops
}

// sealed notes that all bytes of a shard were written.
func (s *bulkStore) sealed(list []extent) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, x := range list {
		if g := s.segments[x.segment]; g != nil {
			g.dirty.Store(true)
		}
	}
}

// close gives back what no record refers to.
func (s *bulkStore) close() {
	s.grow.Lock()
	defer s.grow.Unlock()
	s.mu.Lock()
	loose := s.loose
	s.loose = nil
	s.mu.Unlock()
	for _, list := range loose {
		s.free(list)
	}
	for _, g := range s.active {
		if g != nil {
			s.retire(g)
		}
	}
	for _, g := range s.segments {
		for _, r := range g.runs { // short ones too: nobody remembers them
			s.punch(g, r)
		}
	}
}

// closeFiles closes the files; nothing uses them any more.
func (s *bulkStore) closeFiles() (err error) {
	for _, g := range s.segments {
		for _, f := range []ioengine.File{g.write, g.read} {
			if f != nil {
				err = errors.Join(err, f.Close())
			}
		}
		g.write, g.read = nil, nil
	}
	return err
}
