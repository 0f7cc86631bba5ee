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
			3*drive.ChunkBytes + 77} {
			shard := make([]byte, n)
			for i := range shard {
				shard[i] = byte(r.Uint32())
			}
			sums := a.appendSums(nil, shard)
			if int64(len(sums)) != a.tableBytes(int64(n)) || !a.allMatch(sums, shard) {
				t.Fatalf("seed %d: algorithm %d, %d bytes: a table of %d", seed, a, n, len(sums))
			}
			s := summer{algorithm: a}
			for rest := shard; len(rest) > 0; {
				k := 1 + r.IntN(len(rest))
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
