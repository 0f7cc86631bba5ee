package codec

import (
	"fmt"
	"testing"

	"github.com/minio/highwayhash"
	"github.com/zeebo/xxh3"
)

// stripesCold is how many stripes a benchmark goes through in turn: with their parity more than a
// core's cache holds, as the blocks of an arena are.
const stripesCold = 16

// hashes are the checksums of chunks, by their names on the axis.
var hashes = []struct {
	name string
	sum  func(p []byte)
}{
	{"none", func([]byte) {}},
	{"xxh3", func(p []byte) { _ = xxh3.Hash128(p) }},
	{"highwayhash", func(p []byte) { _ = highwayhash.Sum(p, make([]byte, highwayhash.Size)) }},
}

// BenchmarkStripe encodes 2+2 stripes of 1 MiB of data column by column and hashes all their chunks
// on one core: apart, the chunks of the stripe once all is encoded, as when each drive's writer
// hashes what it is given; fused, each column right behind its encoding; early, the data before,
// as it comes from the client, and parity behind. Bytes are those of data.
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

func (s *stripes) run(b *testing.B, stripe int, order string, sum func([]byte)) {
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
		for j := range s.codec.Total() {
			for _, column := range columns {
				sum(column[j])
			}
		}
	}
}

func each(chunks [][]byte, sum func([]byte)) {
	for _, p := range chunks {
		sum(p)
	}
}
