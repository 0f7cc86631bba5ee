package local

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"flashstore/engine/drive"
)

// TestSums: a table is the same however a shard is cut into buffers, and a flipped bit of the shard
// or of the table is seen.
func TestSums(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for _, a := range []algorithm{hashXXH3, hashHighway} {
		for _, n := range []int{1, 31, 4096, drive.ChunkBytes, drive.ChunkBytes + 1,
			3*drive.ChunkBytes + 77, 4 * drive.ChunkBytes, 9*drive.ChunkBytes + 1} {
			shard := make([]byte, n)
			for i := range shard {
				shard[i] = byte(r.Uint32())
			}
			sums := a.appendSums(nil, shard)
			var each []byte
			for at := 0; at < n; at += drive.ChunkBytes {
				each = a.appendSum(each, shard[at:min(n, at+drive.ChunkBytes)])
			}
			if !bytes.Equal(sums, each) {
				t.Fatalf("seed %d: algorithm %d, %d bytes: another table chunk by chunk", seed, a, n)
			}
			if int64(len(sums)) != a.tableBytes(int64(n)) || !a.allMatch(sums, shard) {
				t.Fatalf("seed %d: algorithm %d, %d bytes: a table of %d", seed, a, n, len(sums))
			}
			s := summer{algorithm: a}
			for rest := shard; len(rest) > 0; {
				k := 1 + r.IntN(len(rest))
				if r.IntN(4) > 0 { // what is left of a chunk and whole ones
					k = min(len(rest), drive.ChunkBytes-s.partial+r.IntN(3)*drive.ChunkBytes)
				}
				s.write(rest[:k])
				rest = rest[k:]
			}
			if s.finish(); !bytes.Equal(s.sums, sums) {
				t.Fatalf("seed %d: algorithm %d, %d bytes: another table piece by piece", seed, a, n)
			}
			for _, p := range [][]byte{shard, sums} {
				at := r.IntN(len(p))
				p[at] ^= 1 << r.IntN(8)
				if a.allMatch(sums, shard) {
					t.Fatalf("seed %d: algorithm %d, %d bytes: a flip at %d is not seen", seed, a, n, at)
				}
				copy(sums, a.appendSums(nil, shard))
			}
		}
	}
}

// TestEarlySums: what Sum is told stands with xxh3, which is hashed while it is in the cache; with
// HighwayHash Write hashes all, to have chunks that go side by side.
func TestEarlySums(t *testing.T) {
	t.Parallel()
	const chunks = 7
	shard := make([]byte, chunks*drive.ChunkBytes)
	var bufs [][]byte
	for i := range chunks {
		bufs = append(bufs, shard[i*drive.ChunkBytes:][:drive.ChunkBytes])
		bufs[i][i] = 1
	}
	other := make([]byte, drive.ChunkBytes)
	for _, a := range []algorithm{hashXXH3, hashHighway} {
		w := &shardWriter{ref: bulkRef{shardBytes: int64(len(shard)), algorithm: a},
			sums: summer{algorithm: a}}
		w.Sum(other)
		w.Sum(other)
		for _, write := range [][][]byte{bufs[:1], bufs[1:]} {
			at := w.taken
			w.taken += int64(len(write)) * drive.ChunkBytes
			w.sumRest(write, at)
		}
		want := a.appendSums(nil, shard)
		if a == hashXXH3 {
			sum := a.appendSum(nil, other)
			copy(want, append(sum, sum...))
		}
		if w.err != nil || !bytes.Equal(w.sums.sums, want) {
			t.Errorf("algorithm %d: %v, or another table than it was told", a, w.err)
		}
	}
}
