package erasure

import (
	"hash/crc32"
	"unsafe"

	"flashstore/engine/erasure/codec"
)

// setDrivesMax is the largest set.
const setDrivesMax = codec.TotalMax

// slot is the CRC32 (IEEE) of "bucket/key", from which set and rotation of a key derive.
func slot(bucket, key string) uint32 {
	c := crc32.Update(0, crc32.IEEETable, bytesOf(bucket))
	c = crc32.Update(c, crc32.IEEETable, bytesOf("/"))
	return crc32.Update(c, crc32.IEEETable, bytesOf(key))
}

// bytesOf is s for reading, without a copy: crc32 would make one escape on every request.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// setOf is the set of a key, of so many sets.
func setOf(slot uint32, sets int) int { return int(slot % uint32(sets)) }

// rotation is the drive position of shard 0 in a set of n drives, one of so many sets; shard i is
// on drive (rotation + i) mod n. So data and parity spread over all drives. What chose the set is
// divided out, or the keys of one set would share few rotations.
func rotation(slot uint32, sets, n int) int { return int(slot / uint32(sets) % uint32(n)) }

// position is the drive of shard index.
func position(rotation, index, n int) int { return (rotation + index) % n }

// shardIndex is the shard that a drive position carries.
func shardIndex(rotation, position, n int) int { return (position - rotation + n) % n }

// SetSizes splits so many drives into the fewest sets of at most 16, alike in size within one, the
// larger ones first. Drive i of all belongs to set i mod len, as its number i div len, so that the
// drives of one device or node that are named one behind the other spread over the sets.
func SetSizes(drives int) []int {
	count := (drives + setDrivesMax - 1) / setDrivesMax
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = drives / count
		if i < drives%count {
			sizes[i]++
		}
	}
	return sizes
}
