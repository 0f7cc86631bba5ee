package highway

import (
	"fmt"
	"testing"
)

// BenchmarkAppendSums hashes chunks of 64 KiB, as many at once as its name says; one is left to the
// library. They are taken in turn from 512 KiB, which a core's cache holds, or from 16 MiB, which
// it does not.
func BenchmarkAppendSums(b *testing.B) {
	const chunkBytes = 64 << 10
	key := [Size]byte{1, 2, 3}
	for _, at := range []struct {
		name   string
		chunks int
	}{{"warm", 8}, {"cold", 256}} {
		var chunks [][]byte
		for i := range at.chunks {
			chunks = append(chunks, make([]byte, chunkBytes))
			chunks[i][i] = 1
		}
		for _, n := range []int{1, 2, 3, 4, 8} {
			b.Run(fmt.Sprintf("%s/%d", at.name, n), func(b *testing.B) {
				var sums [8 * Size]byte
				b.SetBytes(int64(n) * chunkBytes)
				b.ReportAllocs()
				for i := 0; b.Loop(); i = (i + n) % (len(chunks) - n + 1) {
					AppendSums(sums[:0], chunks[i:i+n], &key)
				}
			})
		}
	}
}
