package drive

import (
	"context"
	"errors"
)

// ChunkBytes is the unit of a shard's checksums and so of reads: offsets of Drive.Read are
// multiples of it.
const ChunkBytes = 64 << 10

// Errors of a drive; wrapped with context, compared with errors.Is. One class per fault:
// corrupt is not missing, and away is not absent.
var (
	ErrNotHere   = errors.New("drive: no such entry here")
	ErrCorrupt   = errors.New("drive: damaged")
	ErrOffline   = errors.New("drive: out of service")
	ErrFull      = errors.New("drive: no space left")
	ErrScarce    = errors.New("drive: no file descriptors left")
	ErrStaleTerm = errors.New("drive: the writer's term is over")
	ErrFenced    = errors.New("drive: the register is fenced against this writer")
	ErrClosed    = errors.New("drive: closed")

	// The rest are reasons not to open a directory.
	ErrUnformatted = errors.New("drive: not formatted")
	ErrForeign     = errors.New("drive: belongs to another deployment or slot")
	ErrNewer       = errors.New("drive: written by a newer version")
	ErrInUse       = errors.New("drive: another process uses it")
)

// Drive is one drive. All methods are safe for concurrent use.
type Drive interface {
	// Info is cheap: levels and identity, no I/O.
	Info() Info
	// Commit queues r for the next batch and returns at once. done is called exactly once,
	// with nil when r is durable and visible (Info.Properties.Durability says how durable),
	// from a goroutine of the drive that must not block. A TypeSettle record may wait up to
	// 100 ms for a batch to ride in. Errors: ErrStaleTerm, ErrFenced, ErrFull, ErrScarce,
	// ErrOffline, ErrClosed.
	Commit(r *Record, done func(error))
	// Lookup returns the register's entries, newest first. With opt.Inline the Inline shard
	// of the newest entry is read into memory from opt and verified; it is otherwise nil.
	// Errors: ErrWouldBlock, ErrCorrupt, ErrOffline, ErrClosed.
	Lookup(ctx context.Context, key Key, opt LookupOptions) (State, error)
	// Create opens a writer for a shard of exactly shardBytes in bulk storage. ctx says only what
	// it is for (see For), and may end before the writer does.
	// Errors: ErrFull, ErrScarce, ErrOffline, ErrClosed.
	Create(ctx context.Context, shardBytes int64) (ShardWriter, error)
	// Read fills the buffers of dst in order with the shard of e (from Lookup on this
	// drive) from offsetBytes, a multiple of ChunkBytes; together they end at a chunk's or
	// the shard's end. Every chunk is verified before Read returns. Errors: ErrNotHere (the
	// entry was released meanwhile: look up again), ErrCorrupt, ErrOffline, ErrClosed.
	Read(ctx context.Context, e *Entry, dst [][]byte, offsetBytes int64) error
	// Scan pages through the registers of a space in byte order of their names.
	Scan(ctx context.Context, q ScanQuery) (ScanPage, error)
	// Close flushes settles and the index and releases the lock on the directory.
	Close() error
}

// ErrWouldBlock: a Lookup with NoWait needs the device.
var ErrWouldBlock = errors.New("drive: the answer is not in memory")

// LookupOptions tune a Lookup.
type LookupOptions struct {
	Inline bool // read the inline shard of the newest entry too
	NoWait bool // ErrWouldBlock instead of waiting for the device
	// Entries is memory for the entries of the answer, overwritten from its beginning; the
	// answer is elsewhere if it does not fit.
	Entries []Entry
	// Alloc provides memory for what the answer's slices refer to, the inline shard and the
	// rest; the answer is valid as long as that memory. Every call returns memory of its own.
	// It must not block or call the drive. nil: the Go heap.
	Alloc func(bytes int) []byte
}

// ShardWriter appends a shard to bulk storage. One goroutine uses it; after Seal or Abort it
// is over.
type ShardWriter interface {
	// Sum says that the shard's next chunk is in the cache: its checksum may be computed now, on the
	// caller's goroutine, and Write then leaves it out; or all is left to Write. chunk is ChunkBytes
	// long but for the shard's last and is the bytes that a later Write is given: with others, what
	// is read is what was written or found damaged. A chunk without a place in the shard fails Seal.
	Sum(chunk []byte)
	// Write appends bufs; each but the last of the shard has whole chunks together with its
	// neighbours (total a multiple of ChunkBytes, address aligned to 4 KiB). done is called
	// once, from a goroutine that must not block, when bufs belong to the caller again.
	// Write may be called again before done. A shard whose last length is not a multiple of
	// 4 KiB is padded by the writer.
	Write(bufs [][]byte, done func(error))
	// Seal waits for all writes and returns the reference for Record.Bulk. Nothing is durable
	// until a record carrying it is committed, which syncs the data first.
	Seal() (BulkRef, error)
	// Abort gives the space back.
	Abort()
}

// Pinner is implemented by drives whose released shards must outlast readers: entries looked
// up after Pin stay readable until the returned function is called.
type Pinner interface{ Pin() (unpin func()) }

// ScanQuery selects a page of registers.
type ScanQuery struct {
	Space  Space
	Bucket BucketID
	Prefix string
	After  string // exclusive; "" from the start
	Max    int    // registers in the page, at most
	// Unsettled leaves out registers whose newest entry is settled; Bucket, Prefix and Space
	// are then ignored, all spaces are scanned and After is an opaque cursor.
	Unsettled bool
}

// ScanPage is a page of registers, in order; entries carry no Inline shards.
type ScanPage struct {
	Registers []Register
	Next      string // After of the next page; "" on the last
}

// Register is a name with its entries.
type Register struct {
	Key   Key
	State State
}

// Health is how far a drive can be used.
type Health uint8

// The states of a drive.
const (
	Online   Health = iota // reads and writes
	ReadOnly               // a sync failed or the file system is read only
	Offline                // nothing
)

func (h Health) String() string {
	return [...]string{"online", "read-only", "offline"}[h]
}

// Identity is who a drive is, from its format.json.
type Identity struct {
	Deployment string `json:"deployment"`
	DriveID    string `json:"drive"`
	Set        int    `json:"set"`
	Position   int    `json:"position"` // slot within the set
	Drives     int    `json:"drives"`   // of the set
	Parity     int    `json:"parity"`
	// Total is the drives of the deployment; absent where one set has them all.
	Total  int `json:"total,omitempty"`
	Layout int `json:"layout"` // version of the on-disk format
}

// Properties are facts about a drive that callers may rely on.
type Properties struct {
	InlineMax  int64  // longest shard that travels inside its record
	Durability string // full or relaxed
	Checksum   string // of the shards that are written: xxh3 or highwayhash
}

// Info is the present state of a drive.
type Info struct {
	Identity Identity
	Path     string
	Health   Health
	Reason   string // why it is not online, and what to do
	Term     uint64
	MaxSeen  Order // highest order in any record
	// Forgot is the highest term whose tombstones the drive may have forgotten, 0 if none.
	Forgot     uint64
	Properties Properties
	// CompleteFrom: this drive's "not here" counts for orders at or after it only. Zero: always.
	CompleteFrom Order
	// TornTail: the last start dropped an incomplete batch at the log's end.
	TornTail bool
	// TornOnly: CompleteFrom, if set, comes from incomplete batches at the log's end and from
	// nothing else; unless the device lied, none of them was ever acknowledged.
	TornOnly   bool
	TotalBytes int64
	FreeBytes  int64
	Counters   Counters
}

// Counters count since the drive was opened.
type Counters struct {
	Commits       uint64
	Batches       uint64 // log writes; Commits/Batches is what group commit gains
	BatchBytes    uint64
	BulkBytes     uint64
	BulkSyncs     uint64
	Reads         uint64
	CorruptChunks uint64
	TornTails     uint64
	Unsettled     int64 // registers waiting for a settle, now
	PunchedBytes  uint64
	// CompactedSegments of the log were given back, after MovedBytes of them were written again.
	CompactedSegments uint64
	MovedBytes        uint64
	// SummedChunks of shards got the checksum that Properties.Checksum names.
	SummedChunks uint64
	// CopiedBytes of shards were copied in user space: into a log batch, to or from the memory that
	// keeps hot ones, or to align them for the device.
	CopiedBytes uint64
}
