package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Every path of this CPU computes the same parity as scalar, and rebuilds what was lost.
func TestPathsAgreeWithScalar(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, seed))
	for _, l := range []Layout{{1, 1}, {2, 1}, {2, 2}, {4, 2}, {3, 3}, {5, 3}, {8, 4}, {12, 4}} {
		data := make([][]byte, l.Data)
		for i := range data {
			data[i] = make([]byte, 4160)
			for j := range data[i] {
				data[i][j] = byte(r.Uint32())
			}
		}
		var want [][]byte
		supported := Supported()
		for i := len(supported) - 1; i >= 0; i-- { // scalar first
			got := encode(t, l, supported[i], data)
			if want == nil {
				want = got
			}
			for j := range got {
				if !bytes.Equal(got[j], want[j]) {
					t.Fatalf("seed %d: %v shard %d on %s differs from scalar", seed, l, j,
						supported[i])
				}
			}
			rebuildLost(t, l, supported[i], got)
		}
	}
}

func encode(t *testing.T, l Layout, simd string, data [][]byte) [][]byte {
	t.Helper()
	c, err := New(l, simd)
	if err != nil {
		t.Fatal(err)
	}
	shards := make([][]byte, l.Total())
	for i := range shards {
		shards[i] = make([]byte, len(data[0]))
		if i < l.Data {
			copy(shards[i], data[i])
		}
	}
	if err := c.Encode(shards); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Path != simd || s.Encodes != 1 {
		t.Fatalf("stats say %+v after one encode on %s", s, simd)
	}
	return shards
}

func rebuildLost(t *testing.T, l Layout, simd string, whole [][]byte) {
	t.Helper()
	c, err := New(l, simd)
	if err != nil {
		t.Fatal(err)
	}
	shards, wanted := make([][]byte, l.Total()), make([]bool, l.Total())
	for i := range shards {
		if i < l.Parity { // the first m are lost
			shards[i], wanted[i] = make([]byte, 0, len(whole[i])), true
		} else {
			shards[i] = whole[i]
		}
	}
	if err := c.Rebuild(shards, wanted); err != nil {
		t.Fatal(err)
	}
	for i := range shards {
		if !bytes.Equal(shards[i], whole[i]) {
			t.Fatalf("%v on %s: shard %d rebuilt wrongly", l, simd, i)
		}
	}
}

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
	if _, err := New(Layout{2, 3}, "auto"); err == nil {
		t.Fatal("more parity than data was accepted")
	}
}
