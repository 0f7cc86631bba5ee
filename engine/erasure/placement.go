package erasure

import (
	"hash/crc32"
	"unsafe"
)

// slot is the CRC32 (IEEE) of "bucket/key", from which set and rotation of a key derive.
func slot(bucket, key string) uint32 {
	c := crc32.Update(0, crc32.IEEETable, bytesOf(bucket))
	c = crc32.Update(c, crc32.IEEETable, bytesOf("/"))
	return crc32.Update(c, crc32.IEEETable, bytesOf(key))
}

// bytesOf is s for reading, without a copy: crc32 would make one escape on every request.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// rotation is the drive position of shard 0. Shard i lives on drive (rotation + i) mod n, so
// that data and parity spread over all drives.
func rotation(slot uint32, n int) int { return int(slot % uint32(n)) }

// position is the drive of shard index.
func position(rotation, index, n int) int { return (rotation + index) % n }

// shardIndex is the shard that a drive position carries.
func shardIndex(rotation, position, n int) int { return (position - rotation + n) % n }
