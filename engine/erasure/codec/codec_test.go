package codec

import (
	"fmt"
	"testing"
)

func TestLayoutArithmetic(t *testing.T) {
	for k := 1; k <= DataMax; k++ {
		l := Layout{k, min(k, TotalMax-k)}
		if l.UnitBytes()%ChunkBytes != 0 || l.StripeBytes() < stripeMin {
			t.Fatalf("%v: unit %d, stripe %d", l, l.UnitBytes(), l.StripeBytes())
		}
		s := l.StripeBytes()
		for _, size := range []int64{0, 1, 63, 64, 65, s - 1, s, s + 1, 3*s + 7} {
			t.Run(fmt.Sprintf("k=%d/%d", k, size), func(t *testing.T) { stripesCover(t, l, size) })
		}
	}
}

// stripesCover checks that the stripes hold exactly size bytes and the shards their sum.
func stripesCover(t *testing.T, l Layout, size int64) {
	var data, shard int64
	for i := range l.Stripes(size) {
		d, s := l.StripeAt(size, i)
		if s*int64(l.Data) < d || s%tailAlign != 0 {
			t.Fatalf("stripe %d: %d bytes do not fit %d shards of %d", i, d, l.Data, s)
		}
		data, shard = data+d, shard+s
	}
	if data != size || shard != l.ShardBytes(size) {
		t.Fatalf("stripes hold %d of %d bytes, shards %d of %d", data, size, shard,
			l.ShardBytes(size))
	}
}

func TestUnknownPathListsTheValidOnes(t *testing.T) {
	if _, err := New(Layout{2, 2}, "mmx"); err == nil {
		t.Fatal("simd mmx was accepted")
	}
	for _, l := range []Layout{{0, 1}, {13, 1}, {8, 9}, {12, 5}, {2, -1}} {
		if _, err := New(l, "auto"); err == nil {
			t.Fatalf("the layout %v was accepted", l)
		}
	}
}
