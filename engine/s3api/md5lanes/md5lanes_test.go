package md5lanes

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// noise is n bytes of a seed; those of one seed begin alike.
func noise(seed byte, n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}

func needLanes(t *testing.T) {
	t.Helper()
	if !available() {
		t.Skip("this CPU has no AVX-512")
	}
}

// idle fails the test if anything is left of streams that have ended.
func (g *Group) idle(t *testing.T) {
	t.Helper()
	if n := g.open.Load(); n != 0 || len(g.queue) != 0 || g.gathering || g.roomy != 0 {
		t.Errorf("%d open, %d queued, gathering %v, %d roomy leaders behind the last Write", n,
			len(g.queue), g.gathering, g.roomy)
	}
}

// TestBlocks compares the kernel with crypto/md5, padding by hand, with rows in every alignment.
func TestBlocks(t *testing.T) {
	needLanes(t)
	for n := range 20 {
		for shift := range 64 {
			var s state
			var rows [width]*byte
			var want [width][md5.Size]byte
			for i := range width {
				s[0][i], s[1][i], s[2][i], s[3][i] = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
				p := noise(byte(i), shift+(n+1)*md5.BlockSize)[shift:]
				end := n * md5.BlockSize
				want[i] = md5.Sum(p[:end])
				clear(p[end:])
				p[end] = 0x80
				binary.LittleEndian.PutUint64(p[end+56:], uint64(8*end))
				rows[i] = &p[0]
			}
			blocks(&s, &rows, n+1)
			for i := range width {
				var got [md5.Size]byte
				for w := range s {
					binary.LittleEndian.PutUint32(got[4*w:], s[w][i])
				}
				if got != want[i] {
					t.Fatalf("%d blocks at %d, lane %d: %x, want %x", n, shift, i, got, want[i])
				}
			}
		}
	}
}

// TestLengths is every length up to a thousand in short Writes, and as many bytes before a long one.
func TestLengths(t *testing.T) {
	g := NewGroup()
	data := noise(1, 20<<10)
	h := g.New()
	for n := range 1001 {
		for _, more := range []int{0, n, joinBytesMin + n} {
			h.Reset()
			_, _ = h.Write(data[:n])
			if wrote, err := h.Write(data[n : n+more]); wrote != more || err != nil {
				t.Fatal(wrote, err)
			}
			for range 2 { // Sum changes nothing
				if got := h.Sum([]byte{7}); !bytes.Equal(got[1:], sum(data[:n+more])) || got[0] != 7 {
					t.Fatalf("%d and %d bytes: %x", n, more, got)
				}
			}
			_, _ = h.Write(data[:joinBytesMin]) // goes on behind Sum
			if got := h.Sum(nil); !bytes.Equal(got, sum(data[:n+more], data[:joinBytesMin])) {
				t.Fatalf("%d and %d bytes and more: %x", n, more, got)
			}
		}
	}
	g.idle(t)
}

func sum(parts ...[]byte) []byte {
	s := md5.Sum(bytes.Join(parts, nil))
	return s[:]
}

// TestLanes leads streams of differing lengths on one goroutine, in place of those which would wait:
// when one leaves the lanes the next gets in, and what a leader leaves another takes up.
func TestLanes(t *testing.T) {
	needLanes(t)
	for n := 1; n <= 3*width; n++ {
		g := NewGroup()
		r := rand.New(rand.NewPCG(1, uint64(n)))
		var all []*Hash
		var datas [][]byte
		for i := range n {
			h, data := g.New(), noise(byte(i), md5.BlockSize*(1+r.IntN(400)))
			h.save()
			h.rest, h.queued = data, true
			all, datas, g.queue = append(all, h), append(datas, data), append(g.queue, h)
		}
		g.gathering = true
		for next := all[0]; next != nil; {
			g.lead(next, true)
			next = nil
			for _, h := range all {
				for len(h.turn) > 0 {
					if <-h.turn == gather {
						next = h
					}
				}
			}
		}
		for i, h := range all {
			h.sizeBytes = uint64(len(datas[i]))
			h.restore()
			if got := h.Sum(nil); !bytes.Equal(got, sum(datas[i])) {
				t.Fatalf("stream %d of %d: %x", i, n, got)
			}
		}
		if s := g.Stats(); n >= 2*width && s.Blocks < 10*s.Steps {
			t.Errorf("%d streams: the lanes are not filled again: %+v", n, s)
		}
		g.idle(t)
	}
}

// TestFullLanes has more streams than lanes while somebody leads: one that waits leads beside it.
func TestFullLanes(t *testing.T) {
	g := NewGroup()
	var l lanes
	for range width + 2 {
		h := g.New()
		h.rest, h.queued = make([]byte, md5.BlockSize), true
		g.queue = append(g.queue, h)
	}
	g.refill(&l)
	if len(g.queue) != 2 || len(g.queue[0].turn) != 1 || <-g.queue[0].turn != gather {
		t.Errorf("%d wait, and nobody of them was told to gather", len(g.queue))
	}
}

// TestAppointedLeader leads since it fills the lanes, and was told to gather just before.
func TestAppointedLeader(t *testing.T) {
	g := NewGroup()
	h := g.New()
	h.save()
	h.rest = make([]byte, md5.BlockSize)
	g.roomy = 1 // a leader
	if gathers, full := g.enter(h); gathers || full {
		t.Fatal(gathers, full)
	}
	g.end(&lanes{roomy: true}) // which ends
	if !g.lead(h, false) || len(h.turn) != 0 {
		t.Errorf("not led, or %d turns left behind", len(h.turn))
	}
	g.idle(t)
}

// TestStreams has many streams at once, of many lengths in many pieces, some given up in the middle.
// The memory of a piece is used again at once.
func TestStreams(t *testing.T) {
	for _, procs := range []int{1, 2, 5} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		g := NewGroup()
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() { stream(t, g, rand.New(rand.NewPCG(uint64(procs), uint64(i)))) })
		}
		wg.Wait()
		g.idle(t)
		s := g.Stats()
		t.Logf("%d cores: %+v, %.1f lanes", procs, s, float64(s.Blocks)/float64(s.Steps))
		if g.lanes && s.Blocks < 2*s.Steps {
			t.Errorf("the lanes are empty: %+v", s)
		}
	}
}

// TestCrowd has streams meet as often as can be, with more and fewer of them than lanes.
func TestCrowd(t *testing.T) {
	data := noise(1, 8*joinBytesMin)
	for _, streams := range []int{3, width - 1, width, width + 1, 2 * width, 5 * width} {
		g := NewGroup()
		var wg sync.WaitGroup
		for i := range streams {
			wg.Go(func() {
				h, data := g.New(), data[:joinBytesMin*(1+i%8)]
				want := sum(data)
				for range 500 {
					h.Reset()
					_, _ = h.Write(data)
					if !bytes.Equal(h.Sum(nil), want) {
						t.Error("a wrong sum")
					}
				}
			})
		}
		wg.Wait()
		g.idle(t)
	}
}

func stream(t *testing.T, g *Group, r *rand.Rand) {
	h, want := g.New(), md5.New()
	data, piece := noise(byte(r.Uint32()), 300<<10), make([]byte, 80<<10)
	for range 20 {
		h.Reset()
		want.Reset()
		givenUp := r.IntN(4) == 0
		for left := data[:r.IntN(len(data))]; len(left) > 0; {
			at := r.IntN(64)
			n := copy(piece[at:at+r.IntN(16<<r.IntN(13))], left)
			_, _ = h.Write(piece[at : at+n])
			_, _ = want.Write(left[:n])
			clear(piece[at : at+n])
			left = left[n:]
			if givenUp && len(left) < len(data)/4 {
				break
			}
		}
		if !givenUp && !bytes.Equal(h.Sum(nil), want.Sum(nil)) {
			t.Error("a wrong sum")
		}
	}
	h.Reset()
}

// TestOneStream looks for others once, and then no more.
func TestOneStream(t *testing.T) {
	g := NewGroup()
	h, data := g.New(), noise(1, 64<<10)
	for range 10 {
		_, _ = h.Write(data)
	}
	want := Stats{}
	if g.lanes {
		want.Alone = uint64(len(data) / md5.BlockSize)
	}
	if got := g.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestNoLanes is a CPU that has none.
func TestNoLanes(t *testing.T) {
	g := &Group{}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { stream(t, g, rand.New(rand.NewPCG(9, uint64(i)))) })
	}
	wg.Wait()
	if got := g.Stats(); got != (Stats{}) {
		t.Errorf("%+v", got)
	}
	g.idle(t)
}

func TestNoAllocations(t *testing.T) {
	g := NewGroup()
	h, data := g.New(), noise(1, 64<<10)
	if n := testing.AllocsPerRun(100, func() {
		h.Reset()
		_, _ = h.Write(data)
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations by a Write", n)
	}
}

// FuzzStreams reads its bytes as streams of Writes: the number of streams, then the sizes of Writes
// in turn, in units that reach from one byte to some steps.
func FuzzStreams(f *testing.F) {
	f.Add([]byte{3, 40, 41, 42, 43, 200, 201, 202, 255, 0, 1})
	f.Add([]byte{16, 255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 244, 243, 242, 241, 240})
	f.Add([]byte{1, 100, 100, 100})
	data := noise(1, 64<<10)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 || len(in) > 200 {
			return
		}
		n := 1 + int(in[0])%(2*width)
		sizes := in[1:]
		g := NewGroup()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				h, want := g.New(), md5.New()
				for j := i; j < len(sizes); j += n {
					size := int(sizes[j])
					if size >= 64 {
						size = size*size - 64
					}
					_, _ = h.Write(data[j%64:][:min(size, len(data)-64)])
					_, _ = want.Write(data[j%64:][:min(size, len(data)-64)])
				}
				if !bytes.Equal(h.Sum(nil), want.Sum(nil)) {
					t.Errorf("stream %d of %d: a wrong sum", i, n)
				}
			})
		}
		wg.Wait()
		g.idle(t)
	})
}
