package local

import "encoding/binary"

const (
	// shardCachedMax is the longest shard that is kept. Longer ones gain little: a system call
	// costs as much as copying some 16 KiB.
	shardCachedMax = 16 << 10
	shardKeyBytes  = 16
)

// shardCache keeps small shards of the log in memory, as they were read and verified, because the
// system call that reads one from the page cache costs several times the rest of a lookup. A
// place in the log holds one shard for ever, so nothing here grows stale, and what compaction
// moved is merely not asked for any more. Readers verify what they get, as if it came from the
// device. A nil cache is empty.
type shardCache struct{ table *table }

// newShardCache returns a cache of so many bytes; none if that is negative.
func newShardCache(bytes int64) *shardCache {
	if bytes < 0 {
		return nil
	}
	return &shardCache{newTable(bytes)}
}

func shardKey(at location) (key [shardKeyBytes]byte) {
	binary.LittleEndian.PutUint64(key[:], at.segment)
	binary.LittleEndian.PutUint64(key[8:], uint64(at.offsetBytes))
	return key
}

// get fills p with the shard at a place of the log, if it is here.
func (c *shardCache) get(at location, p []byte) bool {
	if c == nil || len(p) > shardCachedMax {
		return false
	}
	key := shardKey(at)
	return c.table.fill(key[:], p)
}

// put keeps a copy of a shard, or returns false.
func (c *shardCache) put(at location, p []byte) bool {
	if c == nil || len(p) > shardCachedMax {
		return false
	}
	key := shardKey(at)
	c.table.put(key[:], p)
	return true
}

// drop forgets a shard.
func (c *shardCache) drop(at location) {
	key := shardKey(at)
	c.table.put(key[:], nil)
}

func (c *shardCache) close() error {
	if c == nil {
		return nil
	}
	return c.table.close()
}
