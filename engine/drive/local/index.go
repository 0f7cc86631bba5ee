package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
)

// Rows of the index. Below firstOwnSpace the first byte of a row's key is a drive.Space.
const (
	firstOwnSpace = 0xF0
	rowLive       = 0xF0 // + segment: live bytes of a bulk segment
	rowFree       = 0xF1 // + number: extents to be given back
	rowUnsettled  = 0xF2 // + row key: the register waits for a settle
	rowLogLive    = 0xF3 // + segment: live bytes of a segment of the log
	rowPosition   = 0xFF
	indexVersion  = 2  // 1 did not count live bytes of the log
	rowHeadBytes  = 17 // space, bucket
	positionBytes = 120
	bloomBits     = 10
	// indexFilesOpen has room for the tables of more than ten million rows, see tableBytes, and those
	// of level 0: with one too few, every look into the index opens tables anew.
	indexFilesOpen = 1000
	// l0StopWrites is far above what compaction leaves: where it cannot go on (see indexfs), a
	// batch that is under way must not wait for it.
	l0StopWrites = 100
	// memtablesCached are accounted for in the block cache, by Pebble: the one that is written
	// and one that is flushed. What is left of the cache is IndexCacheBytes.
	memtablesCached = 2
)

// tableBytes is the size of tables by level: of level 0, of the highest level that is in use, of
// the one below it and so on. With ten million rows, 4 GB, there are 16, 30 and 115 of them: fewer
// than may be open, so that a lookup does not open one.
func tableBytes() [7]int64 {
	return [7]int64{2 << 20, 4 << 20, 12 << 20, 32 << 20, 64 << 20, 128 << 20, 128 << 20}
}

// index is the ordered cache of the log, safe for concurrent use; one goroutine applies batches.
type index struct {
	db     *pebble.DB
	fs     *indexfs.FS
	buffer indexBuffer
}

// openIndex opens or creates the index in the folder path. Errors: drive.ErrOffline if
// it cannot be written already; any other says that it cannot be read.
func openIndex(c *Config, path string, h indexfs.Hooks) (*index, error) {
	x := &index{fs: indexfs.New(c.Engine, h), buffer: indexBuffer{
		rows: make(map[string]rowOp), marks: make(map[string]rowOpKind)}}
	gate := newCompactionGate()
	o := &pebble.Options{
		FS:                          x.fs,
		CacheSize:                   c.IndexCacheBytes + memtablesCached*c.IndexMemtableBytes,
		DisableWAL:                  true,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLogger{c.Logger},
		EventListener:               indexEvents(c.Logger, path),
		MaxOpenFiles:                indexFilesOpen,
		MemTableSize:                uint64(c.IndexMemtableBytes),
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		FlushSplitBytes:             4 * c.IndexMemtableBytes, // level 0: few tables, not many
		LBaseMaxBytes:               8 * c.IndexMemtableBytes,
		L0StopWritesThreshold:       l0StopWrites,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		TargetFileSizes:             tableBytes(),
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	o.Experimental.CompactionScheduler = gate
	if err := checkManifest(x.fs, path); err != nil {
		return nil, fmt.Errorf("index %s: %w", path, err)
	}
	db, err := pebble.Open(path, o)
	if broken := x.fs.Err(); broken != nil {
		if err == nil {
			_ = db.Close() // what is wrong is known
		}
		return nil, fmt.Errorf("%w: index %s: %w", drive.ErrOffline, path, broken)
	}
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", path, err)
	}
	x.db = db
	gate.open()
	return x, nil
}

// indexEvents logs what Pebble would end the process for: a damaged table is damage to the rows
// in it, which their readers are told of.
func indexEvents(log *slog.Logger, path string) *pebble.EventListener {
	return &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) {
		log.Error("index is damaged; stop the server and run flashstore check --rebuild-index",
			"path", path, "file", i.Path, "error", i.Details)
	}}
}

// damagedIndex is the error of an index that cannot be read.
func damagedIndex(err error) error {
	return fmt.Errorf("%w: index: %w", drive.ErrCorrupt, pebbleError{err})
}

// pebbleError says what an error of Pebble says, in one line and without what only its own
// tools read.
type pebbleError struct{ error }

func (e pebbleError) Error() string {
	text, _, _ := strings.Cut(e.error.Error(), "\n<corruption detail")
	return text
}

func (e pebbleError) Unwrap() error { return e.error }

// get returns a copy of a row's value, or nil without an error if there is no such row.
// Errors wrap drive.ErrCorrupt.
func (x *index) get(key []byte) (value []byte, err error) {
	err = x.view(key, func(v []byte) error {
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// view calls f with a row, if it is there; it is valid during the call.
func (x *index) view(key []byte, f func(value []byte) error) error {
	if v, found, _ := x.buffer.get(key); found {
		if v == nil {
			return nil
		}
		return f(v)
	}
	v, closer, err := x.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return damagedIndex(err)
	}
	return errors.Join(f(v), closer.Close())
}

// each calls f for the rows whose key begins with prefix, in order; key and value are valid
// during the call. It ends at the first error.
func (x *index) each(prefix []byte, f func(key, value []byte) error) error {
	return x.rows(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)}, f)
}

// eachBelow is each for all rows whose first byte is lower than end.
func (x *index) eachBelow(end byte, f func(key, value []byte) error) error {
	return x.rows(&pebble.IterOptions{UpperBound: []byte{end}}, f)
}

func (x *index) rows(o *pebble.IterOptions, f func(key, value []byte) error) error {
	it, err := x.newIter(o)
	if err != nil {
		return damagedIndex(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err == nil {
			err = f(it.Key(), v)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	if err := it.Close(); err != nil {
		return damagedIndex(err)
	}
	return nil
}

// flush makes what was applied durable.
func (x *index) flush() error {
	if err := x.drain(); err != nil {
		return err
	}
	return errors.Join(x.db.Flush(), x.fs.Err())
}

// beginFlush starts a flush and does not wait for it.
func (x *index) beginFlush() error {
	if err := x.drain(); err != nil {
		return err
	}
	_, err := x.db.AsyncFlush()
	return err
}

// close makes the index durable and closes it. Pebble's Close does not flush memtables.
func (x *index) close() error {
	err := x.flush()
	if closeErr := x.db.Close(); err == nil {
		err = closeErr
	}
	return err
}

// appendRowKey appends the row key of a register to dst.
func appendRowKey(dst []byte, k *drive.Key) []byte {
	dst = append(dst, byte(k.Space))
	dst = append(dst, k.Bucket[:]...)
	return append(dst, k.Name...)
}

func parseRowKey(b []byte) (drive.Key, error) {
	if len(b) < rowHeadBytes || b[0] >= firstOwnSpace {
		return drive.Key{}, fmt.Errorf("%w: index key of %d bytes", drive.ErrCorrupt, len(b))
	}
	return drive.Key{Space: drive.Space(b[0]), Bucket: [16]byte(b[1:rowHeadBytes]),
		Name: string(b[rowHeadBytes:])}, nil
}

// prefixEnd is the first key behind all that begin with prefix; nil if there is none.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

func numberedRow(kind byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, number)
}

// position is what the index reflects: everything of the log before next, and the state of
// the drive at that place. It is written with every index batch.
type position struct {
	incarnation  [16]byte
	next         location // where the next batch will be
	number       uint64   // its number
	epoch        uint64   // of the last batch
	term         uint64
	maxSeen      drive.Order
	incomplete   bool // as flagIncomplete
	damaged      bool // as flagDamaged
	lost         bool // as flagLost
	completeFrom drive.Order
	frees        uint64 // number of the next free row
	// reclaimed, after a clean stop: no bulk segment below this number holds extents that
	// nobody refers to.
	reclaimed uint64
}

func (p *position) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, positionBytes)
	lost := uint64(0)
	if p.incomplete {
		lost |= flagIncomplete
	}
	if p.damaged {
		lost |= flagDamaged
	}
	if p.lost {
		lost |= flagLost
	}
	b = append(b, p.incarnation[:]...)
	for _, v := range []uint64{indexVersion, p.next.segment, uint64(p.next.offsetBytes),
		p.number, p.epoch, p.term, lost, p.frees, p.reclaimed} {
		b = le.AppendUint64(b, v)
	}
	return appendOrder(appendOrder(b, p.maxSeen), p.completeFrom)
}

func parsePosition(b []byte) (p position, err error) {
	if len(b) != positionBytes {
		return p, fmt.Errorf("%w: position row of %d bytes", drive.ErrCorrupt, len(b))
	}
	le := binary.LittleEndian
	switch v := le.Uint64(b[16:]); {
	case v > indexVersion:
		return p, fmt.Errorf("%w: index of version %d", drive.ErrNewer, v)
	case v < indexVersion:
		return p, fmt.Errorf("%w: index of version %d, it has to be made anew", drive.ErrCorrupt, v)
	}
	copy(p.incarnation[:], b)
	p.next = location{le.Uint64(b[24:]), int64(le.Uint64(b[32:]))}
	p.number, p.epoch, p.term = le.Uint64(b[40:]), le.Uint64(b[48:]), le.Uint64(b[56:])
	lost := le.Uint64(b[64:])
	p.incomplete, p.damaged = lost&flagIncomplete != 0, lost&flagDamaged != 0
	p.lost = lost&flagLost != 0
	p.frees, p.reclaimed = le.Uint64(b[72:]), le.Uint64(b[80:])
	p.maxSeen, p.completeFrom = orderAt(b[88:]), orderAt(b[104:])
	return p, nil
}

// pebbleLogger passes on what matters of Pebble's log.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(string, ...any) {}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("index", "error", fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble cannot go on, and its locks are held.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	panic("local: index: " + fmt.Sprintf(format, args...))
}

func encodeExtents(list []extent) []byte {
	b := make([]byte, 0, len(list)*extentBytes)
	for _, x := range list {
		b = appendExtent(b, x)
	}
	return b
}

func appendExtent(b []byte, x extent) []byte {
	b = binary.LittleEndian.AppendUint64(b, x.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(x.offsetBytes))
	return binary.LittleEndian.AppendUint64(b, uint64(x.lengthBytes))
}

func parseExtents(b []byte) []extent {
	list := make([]extent, 0, len(b)/extentBytes)
	for ; len(b) >= extentBytes; b = b[extentBytes:] {
		list = append(list, extentAt(b))
	}
	return list
}

func extentAt(b []byte) extent {
	le := binary.LittleEndian
	return extent{le.Uint64(b), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))}
}

// load reads what of the index is kept in memory.
func (x *index) load(m *machine) error {
	err := errors.Join(m.live.load(x), m.logLive.load(x))
	if err == nil {
		err = x.each([]byte{rowUnsettled}, func(k, _ []byte) error {
			v, err := x.get(k[1:])
			if err == nil && v == nil {
				err = fmt.Errorf("%w: unsettled register %x has no row", drive.ErrCorrupt, k[1:])
			}
			m.unsettled[string(k[1:])] = v
			return err
		})
	}
	return err
}

// frees returns the released space that has not been given back.
func (x *index) frees() (list []freeItem, err error) {
	err = x.each([]byte{rowFree}, func(k, v []byte) error {
		if len(k) != 9 {
			return fmt.Errorf("%w: index key of %d bytes", drive.ErrCorrupt, len(k))
		}
		list = append(list, freeItem{number: binary.BigEndian.Uint64(k[1:]),
			extents: parseExtents(v)})
		return nil
	})
	return list, err
}

// position returns what the index reflects, or found false for a new index.
func (x *index) position() (p position, found bool, err error) {
	v, err := x.get([]byte{rowPosition})
	if err != nil || v == nil {
		return p, false, err
	}
	p, err = parsePosition(v)
	return p, err == nil, err
}
