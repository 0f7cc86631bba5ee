package codec

import (
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"flashstore/engine/drive/local/highway"
)

// stripesCold is how many stripes a benchmark goes through in turn: with their parity more than a
// core's cache holds, as the blocks of an arena are.
const stripesCold = 16

// hashes are the checksums of chunks that are at hand together, by their names on the axis.
var hashes = []struct {
	name string
	sum  func(chunks [][]byte)
}{
	{"none", func([][]byte) {}},
	{"xxh3", func(chunks [][]byte) {
		for _, p := range chunks {
			_ = xxh3.Hash128(p)
		}
	}},
	{"highwayhash", func(chunks [][]byte) {
		var sums [8 * highway.Size]byte
		highway.AppendSums(sums[:0], chunks, &[highway.Size]byte{})
	}},
}

// BenchmarkStripe encodes 2+2 stripes of 1 MiB of data column by column and hashes all their chunks
// on one core: apart, each shard's chunks together once all is encoded, as a drive's writer hashes
// what it is given to write; fused, each chunk right behind the encoding of its column; early, the
// data before, as it comes from the client, and parity behind. A server does fused with xxh3, and
// apart with HighwayHash. Bytes are those of data.
func BenchmarkStripe(b *testing.B) {
	for _, h := range hashes {
		for _, order := range []string{"apart", "fused", "early"} {
			b.Run(fmt.Sprintf("%s/%s", h.name, order), func(b *testing.B) {
				c, err := New(Layout{2, 2}, "auto")
				if err != nil {
					b.Fatal(err)
				}
				s := newStripes(c)
				b.SetBytes(c.StripeBytes())
				for i := 0; b.Loop(); i++ {
					s.run(b, i%stripesCold, order, h.sum)
				}
			})
		}
	}
}

// stripes are chunks by stripe, column and shard.
type stripes struct {
	codec  *Codec
	chunks [stripesCold][][][]byte
}

func newStripes(c *Codec) *stripes {
	s := &stripes{codec: c}
	for i := range s.chunks {
		for range c.UnitBytes() / ChunkBytes {
			var column [][]byte
			for j := range c.Total() {
				p := make([]byte, ChunkBytes)
				for x := range p {
					p[x] = byte(x*(i+1) + x>>8*(j+1))
				}
				column = append(column, p)
			}
			s.chunks[i] = append(s.chunks[i], column)
		}
	}
	return s
}

func (s *stripes) run(b *testing.B, stripe int, order string, sum func([][]byte)) {
	columns := s.chunks[stripe]
	for _, column := range columns {
		if order == "early" {
			each(column[:s.codec.Data], sum)
		}
	}
	for _, column := range columns {
		if err := s.codec.Encode(column); err != nil {
			b.Fatal(err)
		}
		switch order {
		case "early":
			each(column[s.codec.Data:], sum)
		case "fused":
			each(column, sum)
		}
	}
	if order == "apart" {
		shard := make([][]byte, len(columns))
		for j := range s.codec.Total() {
			for c, column := range columns {
				shard[c] = column[j]
			}
			sum(shard)
		}
	}
}

func each(chunks [][]byte, sum func([][]byte)) {
	for i := range chunks {
		sum(chunks[i : i+1])
	}
}
