package local

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"flashstore/engine/drive"
)

// Checksum algorithms by the byte that names them on disk.
const (
	hashXXH3 = 1 // xxh3-128, low word first
	sumBytes = 16
)

// sumsBytes is the length of the checksum table of a shard.
func sumsBytes(shardBytes int64) int64 {
	return (shardBytes + drive.ChunkBytes - 1) / drive.ChunkBytes * sumBytes
}

func appendSum(dst, p []byte) []byte {
	h := xxh3.Hash128(p)
	dst = binary.LittleEndian.AppendUint64(dst, h.Lo)
	return binary.LittleEndian.AppendUint64(dst, h.Hi)
}

// appendSums appends one checksum per chunk of p.
func appendSums(dst, p []byte) []byte {
	for len(p) > drive.ChunkBytes {
		dst = appendSum(dst, p[:drive.ChunkBytes])
		p = p[drive.ChunkBytes:]
	}
	if len(p) > 0 {
		dst = appendSum(dst, p)
	}
	return dst
}

func sumMatches(sum, p []byte) bool {
	var have [sumBytes]byte
	return bytes.Equal(appendSum(have[:0], p), sum)
}

// summer computes the checksums of the chunks of a stream of buffers. A chunk that lies in
// one buffer is hashed where it is; one that spans buffers goes through a streaming hasher.
type summer struct {
	sums    []byte
	partial int // bytes of the current chunk in hasher
	hasher  *xxh3.Hasher128
}

func (s *summer) write(p []byte) {
	for len(p) > 0 {
		n := min(len(p), drive.ChunkBytes-s.partial)
		if n == drive.ChunkBytes {
			s.sums = appendSum(s.sums, p[:n])
		} else {
			s.writePartial(p[:n])
		}
		p = p[n:]
	}
}

func (s *summer) writePartial(p []byte) {
	if s.hasher == nil {
		s.hasher = xxh3.New128()
	}
	_, _ = s.hasher.Write(p) // never fails
	s.partial += len(p)
	if s.partial == drive.ChunkBytes {
		s.finish()
	}
}

// finish ends a chunk that is shorter than the others: the shard's last.
func (s *summer) finish() {
	if s.partial == 0 {
		return
	}
	h := s.hasher.Sum128()
	s.sums = binary.LittleEndian.AppendUint64(s.sums, h.Lo)
	s.sums = binary.LittleEndian.AppendUint64(s.sums, h.Hi)
	s.hasher.Reset()
	s.partial = 0
}
