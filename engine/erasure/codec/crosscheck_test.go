package codec

import (
	"bytes"
	"hash/crc64"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// parityPin is the CRC64 (ECMA) of the parity of every layout in the order of layouts, of the data
// that crossSeed gives: parity on disk must be that of every later version too, also when the
// library is.
const (
	parityPin = 0x0bf244159683d52e
	crossSeed = 1
)

// crossLengths are shard lengths: one register, some that leave every kernel a tail, one chunk.
var crossLengths = [...]int{64, 192, 960, 4160, ChunkBytes - 64, ChunkBytes}

// layouts are all that can be coded.
func layouts() (all []Layout) {
	for k := 1; k <= DataMax; k++ {
		for m := 0; m <= min(ParityMax, TotalMax-k); m++ {
			all = append(all, Layout{k, m})
		}
	}
	return all
}

// Every path of this CPU computes the parity that scalar does, and rebuilds what was lost, for
// every layout. The paths that this CPU lacks are skipped with the reason.
func TestPathsAgreeWithScalar(t *testing.T) {
	stripes := make(map[Layout][][][]byte) // by length, as scalar codes them
	r := rand.New(rand.NewPCG(crossSeed, crossSeed))
	pin := crc64.New(crc64.MakeTable(crc64.ECMA))
	for _, l := range layouts() {
		for _, length := range crossLengths {
			shards := randomShards(r, l, length)
			encode(t, l, "scalar", shards)
			stripes[l] = append(stripes[l], shards)
			for _, parity := range shards[l.Data:] {
				_, _ = pin.Write(parity) // never fails
			}
		}
	}
	if pin.Sum64() != parityPin {
		t.Errorf("parity is not what it was: %#x, want %#x", pin.Sum64(), uint64(parityPin))
	}
	for _, p := range paths() {
		t.Run(p.name, func(t *testing.T) {
			if lacks := p.lacks(); len(lacks) > 0 {
				t.Skipf("this CPU lacks %s", strings.Join(lacks, ", "))
			}
			r := rand.New(rand.NewPCG(crossSeed, 0)) // of its own: it replays on any CPU
			for _, l := range layouts() {
				for _, want := range stripes[l] {
					got := slices.Clone(want)
					for i := l.Data; i < l.Total(); i++ {
						got[i] = bytes.Repeat([]byte{0xA5}, len(want[i]))
					}
					encode(t, l, p.name, got)
					equal(t, l, p.name+" encodes", got, want)
					if l.Parity > 0 {
						rebuildRandom(t, r, l, p.name, want)
					}
				}
			}
		})
	}
}

func randomShards(r *rand.Rand, l Layout, length int) [][]byte {
	shards := make([][]byte, l.Total())
	for i := range shards {
		shards[i] = make([]byte, length)
		for j := range shards[i] {
			if i < l.Data {
				shards[i][j] = byte(r.Uint32())
			}
		}
	}
	return shards
}

func encode(t *testing.T, l Layout, simd string, shards [][]byte) {
	t.Helper()
	c, err := New(l, simd)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Encode(shards); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Path != simd || s.Encodes != uint64(min(l.Parity, 1)) {
		t.Fatalf("stats say %+v after one encode of %v on %s", s, l, simd)
	}
}

func equal(t *testing.T, l Layout, what string, got, want [][]byte) {
	t.Helper()
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("seed %d: %v, %d bytes: %s shard %d otherwise than scalar", crossSeed, l,
				len(want[i]), what, i)
		}
	}
}

// rebuildRandom loses one to m shards, asks for some of them back and gets those and no others.
func rebuildRandom(t *testing.T, r *rand.Rand, l Layout, simd string, whole [][]byte) {
	t.Helper()
	c, err := New(l, simd)
	if err != nil {
		t.Fatal(err)
	}
	shards, want := slices.Clone(whole), slices.Clone(whole)
	wanted := make([]bool, l.Total())
	for n, i := range r.Perm(l.Total())[:1+r.IntN(l.Parity)] {
		shards[i] = make([]byte, 0, len(whole[i]))
		if wanted[i] = n == 0 || r.IntN(2) == 0; !wanted[i] {
			want[i] = nil
		}
	}
	if err := c.Rebuild(shards, wanted); err != nil {
		t.Fatal(err)
	}
	equal(t, l, simd+" rebuilds", shards, want)
}

// The library takes what it thinks best of what it is not forbidden: each path forbids enough.
func TestPathForbidsTheWiderOnes(t *testing.T) {
	uses := map[string]string{"gfni512": "useAvx512GFNI", "gfni": "useAvxGNFI", "avx2": "useAVX2",
		"ssse3": "useSSSE3"}
	for i, p := range paths() {
		if len(p.lacks()) > 0 {
			t.Logf("%s: this CPU lacks %v", p.name, p.lacks())
			continue
		}
		c, err := New(Layout{4, 2}, p.name)
		if err != nil {
			t.Fatal(err)
		}
		options := reflect.ValueOf(c.encoder).Elem().FieldByName("o")
		for j, other := range paths() {
			field, ok := uses[other.name]
			if !ok || j > i { // narrower ones may stay on: they serve tails
				continue
			}
			if on := options.FieldByName(field).Bool(); on != (i == j) {
				t.Errorf("%s: the library's %s is %v", p.name, field, on)
			}
		}
	}
}
