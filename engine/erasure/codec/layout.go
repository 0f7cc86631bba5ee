package codec

import "fmt"

// ChunkBytes is the unit of checksums and of full stripes' shards.
const ChunkBytes = 64 << 10

// Limits of a layout; the kernels of klauspost/reedsolomon do k ≤ 10 in one pass of generated
// code, and k > 12 falls off.
const (
	DataMax   = 12
	ParityMax = 8
	TotalMax  = 16
	stripeMin = 1 << 20
	tailAlign = 64 // bytes; the width of one AVX-512 register
)

// Layout is k data and m parity shards.
type Layout struct{ Data, Parity int }

// Validate reports a layout that cannot be coded. More parity than data can be: that a set must
// not have it is a matter of its quorum.
func (l Layout) Validate() error {
	if l.Data < 1 || l.Data > DataMax || l.Parity < 0 || l.Parity > ParityMax ||
		l.Data+l.Parity > TotalMax {
		return fmt.Errorf("codec: layout %d+%d: 1 to %d data shards, at most %d parity shards, "+
			"at most %d in all", l.Data, l.Parity, DataMax, ParityMax, TotalMax)
	}
	return nil
}

// Total is k+m.
func (l Layout) Total() int { return l.Data + l.Parity }

// UnitBytes is the length of one shard of a full stripe: 1 MiB / k, up to whole chunks.
func (l Layout) UnitBytes() int64 {
	k := int64(l.Data)
	return roundUp((stripeMin+k-1)/k, ChunkBytes)
}

// StripeBytes is the data in a full stripe: exactly 1 MiB for k = 1, 2, 4 and 8.
func (l Layout) StripeBytes() int64 { return l.UnitBytes() * int64(l.Data) }

// Stripes is the number of stripes of an object of sizeBytes.
func (l Layout) Stripes(sizeBytes int64) int64 {
	s := l.StripeBytes()
	return (sizeBytes + s - 1) / s
}

// StripeAt returns the data bytes and the length of each shard of stripe i of an object.
func (l Layout) StripeAt(sizeBytes, i int64) (dataBytes, shardBytes int64) {
	stripe := l.StripeBytes()
	rest := sizeBytes - i*stripe
	if rest >= stripe {
		return stripe, l.UnitBytes()
	}
	return rest, roundUp((rest+int64(l.Data)-1)/int64(l.Data), tailAlign)
}

// ShardBytes is the length of each shard of an object of sizeBytes.
func (l Layout) ShardBytes(sizeBytes int64) int64 {
	n := l.Stripes(sizeBytes)
	if n == 0 {
		return 0
	}
	_, last := l.StripeAt(sizeBytes, n-1)
	return (n-1)*l.UnitBytes() + last
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
