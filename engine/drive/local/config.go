package local

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// The values of Config.Durability.
const (
	Full    = "full"    // a commit is on stable storage
	Relaxed = "relaxed" // a commit is with the operating system; a power cut may lose it
)

// Limits of Config.
const (
	inlineMaxLimit   = 256 << 10
	logSegmentMin    = 1 << 20
	logSegmentFirst  = 4 << 20 // a drive is ready sooner with a small first segment
	bulkSegmentMin   = 1 << 20
	tableMin         = 64 << 10
	memtableMin      = 64 << 10
	indexReplayBytes = 256 << 20 // log to replay at start, at most
)

// Config says how to open a drive.
type Config struct {
	Path       string          // absolute; formatted before
	Engine     ioengine.Engine // stays the caller's
	Durability string          // Full (default) or Relaxed
	// Checksum of the chunks that are written: XXH3 (default) or HighwayHash, which makes the drive
	// one of layout 2. Those that are there are read by the one that they were written with.
	Checksum string
	// InlineMax is the longest shard that travels in its record; default 128 KiB.
	InlineMax int64
	// LogSegmentBytes is the size of a log segment; default 64 MiB. The first ones are
	// smaller.
	LogSegmentBytes int64
	// BulkSegmentBytes is the size of a bulk segment; default 256 MiB.
	BulkSegmentBytes int64
	// BulkStreams is how many bulk segments are filled at a time; default 2.
	BulkStreams int
	// IndexCacheBytes is the index's block cache; default 16 MiB. A commit to a new name asks the
	// bloom filters of all tables, 10 bits a row: they fit for ten million names. Below that,
	// each such commit reads filters anew.
	IndexCacheBytes int64
	// IndexMemtableBytes is how much the index gathers before it writes a table; default 16 MiB.
	// It holds up to four times as much in memory.
	IndexMemtableBytes int64
	// TableBytes is the memory for rows of hot registers; default 8 MiB.
	TableBytes int64
	// ShardCacheBytes is the memory for hot shards of up to 16 KiB from the log; default 8 MiB, none
	// if negative.
	ShardCacheBytes int64
	// ReserveBytes of the file system stay free of new data, so that a full disk can still
	// delete; default 64 MiB.
	ReserveBytes int64
	// CompactBytesPerSecond is how much compaction writes while there is room; default 64 MiB.
	CompactBytesPerSecond int64
	// Expect is compared with the drive's identity; a zero Deployment accepts any.
	Expect drive.Identity
	Logger *slog.Logger // default slog.Default()
}

// Validate reports the first thing wrong with c.
func (c *Config) Validate() error {
	switch {
	case !filepath.IsAbs(c.Path):
		return fmt.Errorf("local: path %q is not absolute", c.Path)
	case c.Engine == nil:
		return errors.New("local: no I/O engine")
	case c.Durability != Full && c.Durability != Relaxed:
		return fmt.Errorf("local: durability %q; full and relaxed are known", c.Durability)
	case c.InlineMax < 0 || c.InlineMax > inlineMaxLimit:
		return fmt.Errorf("local: inline_max %d; 0 to %d bytes are possible", c.InlineMax,
			int64(inlineMaxLimit))
	case c.LogSegmentBytes < logSegmentMin || c.LogSegmentBytes%blockBytes != 0:
		return fmt.Errorf("local: log segments of %d bytes; at least %d, in whole blocks",
			c.LogSegmentBytes, logSegmentMin)
	case c.BulkSegmentBytes < bulkSegmentMin || c.BulkSegmentBytes%blockBytes != 0:
		return fmt.Errorf("local: bulk segments of %d bytes; at least %d, in whole blocks",
			c.BulkSegmentBytes, bulkSegmentMin)
	case c.TableBytes < tableMin || c.IndexCacheBytes < 0 || c.IndexMemtableBytes < memtableMin:
		return fmt.Errorf("local: table of %d bytes, at least %d; index cache of %d; index "+
			"memtables of %d, at least %d", c.TableBytes, tableMin, c.IndexCacheBytes,
			c.IndexMemtableBytes, memtableMin)
	case c.ShardCacheBytes >= 0 && c.ShardCacheBytes < tableMin:
		return fmt.Errorf("local: shard cache of %d bytes; at least %d, or negative for none",
			c.ShardCacheBytes, tableMin)
	case c.CompactBytesPerSecond < 0:
		return fmt.Errorf("local: compaction at %d bytes a second", c.CompactBytesPerSecond)
	case c.BulkStreams < 1 || c.BulkStreams > 16:
		return fmt.Errorf("local: %d bulk streams; 1 to 16 are possible", c.BulkStreams)
	}
	_, err := algorithmOf(c.Checksum)
	return err
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	setDefault(&c.Durability, Full)
	setDefault(&c.Checksum, XXH3)
	setDefault(&c.InlineMax, 128<<10)
	setDefault(&c.LogSegmentBytes, 64<<20)
	setDefault(&c.BulkSegmentBytes, 256<<20)
	setDefault(&c.BulkStreams, 2)
	setDefault(&c.IndexCacheBytes, 16<<20)
	setDefault(&c.IndexMemtableBytes, 16<<20)
	setDefault(&c.TableBytes, 8<<20)
	setDefault(&c.ShardCacheBytes, 8<<20)
	setDefault(&c.ReserveBytes, 64<<20)
	setDefault(&c.CompactBytesPerSecond, 64<<20)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}
