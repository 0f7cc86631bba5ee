package local

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/minio/highwayhash"
	"github.com/zeebo/xxh3"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/highway"
)

// algorithm is the checksum of a shard's chunks, by the byte that names it on disk. All else is
// checksummed with xxh3 in any case.
type algorithm uint8

const (
	hashXXH3    algorithm = 1 // xxh3-128, low word first
	hashHighway algorithm = 2 // HighwayHash-256 with highwayKey; since layout 2

	sumBytes        = 16 // of xxh3
	highwaySumBytes = highway.Size
	// highwayKey is no secret: checksums find damage, not forgery. It is part of the format.
	highwayKey = "flashstore: HighwayHash of chunk"
)

// The values of Config.Checksum.
const (
	XXH3        = "xxh3"
	HighwayHash = "highwayhash"
)

// algorithmOf returns the algorithm of a name on the axis.
func algorithmOf(name string) (algorithm, error) {
	switch name {
	case XXH3:
		return hashXXH3, nil
	case HighwayHash:
		return hashHighway, nil
	}
	return 0, fmt.Errorf("local: checksum %q; %s and %s are known", name, XXH3, HighwayHash)
}

func (a algorithm) known() bool { return a == hashXXH3 || a == hashHighway }

// layout is the first on-disk layout that has the algorithm.
func (a algorithm) layout() int { return pick(a == hashHighway, layoutHighway, layoutFirst) }

// sumBytes is the length of one checksum.
func (a algorithm) sumBytes() int64 {
	return pick[int64](a == hashHighway, highwaySumBytes, sumBytes)
}

// tableBytes is the length of the checksum table of a shard.
func (a algorithm) tableBytes(shardBytes int64) int64 {
	return (shardBytes + drive.ChunkBytes - 1) / drive.ChunkBytes * a.sumBytes()
}

// sumsIn is how many checksums a table has.
func (a algorithm) sumsIn(table []byte) uint64 { return uint64(len(table)) / uint64(a.sumBytes()) }

// chunksPerBlock is how many checksums a block of an external table has.
func (a algorithm) chunksPerBlock() int64 { return tableBlockBytes / a.sumBytes() }

// early says whether a chunk is best hashed while it is in the cache. With HighwayHash it gains
// more by waiting for others to be hashed with.
func (a algorithm) early() bool { return a.atOnce() == 1 }

// atOnce is how many chunks are best hashed together.
func (a algorithm) atOnce() int { return pick(a == hashHighway, highway.AtOnce, 1) }

// appendEach appends the checksum of each chunk.
func (a algorithm) appendEach(dst []byte, chunks [][]byte) []byte {
	if a == hashHighway {
		return highway.AppendSums(dst, chunks, (*[highway.Size]byte)([]byte(highwayKey)))
	}
	for _, p := range chunks {
		dst = appendSum(dst, p)
	}
	return dst
}

// appendSum appends the checksum of a chunk.
func (a algorithm) appendSum(dst, p []byte) []byte { return a.appendEach(dst, [][]byte{p}) }

// appendSums appends one checksum per chunk of p.
func (a algorithm) appendSums(dst, p []byte) []byte {
	var chunks [highway.AtOnce][]byte
	for len(p) > 0 {
		n := 0
		for ; n < a.atOnce() && len(p) > 0; n++ {
			chunks[n] = p[:min(len(p), drive.ChunkBytes)]
			p = p[len(chunks[n]):]
		}
		dst = a.appendEach(dst, chunks[:n])
	}
	return dst
}

// matches compares a chunk with its checksum.
func (a algorithm) matches(sum, p []byte) bool {
	var have [highwaySumBytes]byte
	return bytes.Equal(a.appendSum(have[:0], p), sum)
}

// allMatch compares a shard, not empty, with its checksum table.
func (a algorithm) allMatch(sums, p []byte) bool {
	var have [highway.AtOnce * highwaySumBytes]byte
	for len(p) > 0 {
		n := min(len(p), a.atOnce()*drive.ChunkBytes)
		group := a.appendSums(have[:0], p[:n])
		if !bytes.Equal(group, sums[:len(group)]) {
			return false
		}
		p, sums = p[n:], sums[len(group):]
	}
	return true
}

// appendSum appends the checksum of what is not a chunk.
func appendSum(dst, p []byte) []byte {
	h := xxh3.Hash128(p)
	dst = binary.LittleEndian.AppendUint64(dst, h.Lo)
	return binary.LittleEndian.AppendUint64(dst, h.Hi)
}

func sumMatches(sum, p []byte) bool { return hashXXH3.matches(sum, p) }

// summer computes the checksums of the chunks of a stream of buffers. A chunk that lies in
// one buffer is hashed where it is; one that spans buffers goes through a streaming hasher.
type summer struct {
	algorithm algorithm
	sums      []byte
	whole     [highway.AtOnce][]byte // chunks that wait for others to be hashed with
	waiting   int                    // of them
	partial   int                    // bytes of the current chunk in the hasher
	xxh3      *xxh3.Hasher128
	highway   *highwayhash.Digest
}

// write takes in p, which must stay as it is until finish.
func (s *summer) write(p []byte) {
	for len(p) > 0 {
		n := min(len(p), drive.ChunkBytes-s.partial)
		if n == drive.ChunkBytes {
			s.writeWhole(p[:n])
		} else {
			s.writePartial(p[:n])
		}
		p = p[n:]
	}
}

func (s *summer) writeWhole(chunk []byte) {
	s.whole[s.waiting] = chunk
	s.waiting++
	if s.waiting == s.algorithm.atOnce() {
		s.flush()
	}
}

// flush hashes the chunks that wait.
func (s *summer) flush() {
	s.sums = s.algorithm.appendEach(s.sums, s.whole[:s.waiting])
	clear(s.whole[:s.waiting])
	s.waiting = 0
}

func (s *summer) writePartial(p []byte) {
	switch {
	case s.algorithm == hashHighway && s.highway == nil:
		s.highway, _ = highwayhash.NewDigest([]byte(highwayKey)) // fails for a key of other length
	case s.algorithm != hashHighway && s.xxh3 == nil:
		s.xxh3 = xxh3.New128()
	}
	if s.highway != nil {
		_, _ = s.highway.Write(p) // neither ever fails
	} else {
		_, _ = s.xxh3.Write(p)
	}
	s.partial += len(p)
	if s.partial == drive.ChunkBytes {
		s.finish()
	}
}

// finish hashes what waits, and ends a chunk that is shorter than the others: the shard's last.
func (s *summer) finish() {
	s.flush()
	if s.partial == 0 {
		return
	}
	s.partial = 0
	if s.highway != nil {
		s.sums = s.highway.Sum(s.sums)
		s.highway.Reset()
		return
	}
	h := s.xxh3.Sum128()
	s.sums = binary.LittleEndian.AppendUint64(s.sums, h.Lo)
	s.sums = binary.LittleEndian.AppendUint64(s.sums, h.Hi)
	s.xxh3.Reset()
}
