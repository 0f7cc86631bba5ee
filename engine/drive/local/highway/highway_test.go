package highway

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"time"
)

// source makes random keys and messages; its seed is to be printed by whoever fails.
type source struct {
	*rand.ChaCha8
	seed uint64
}

func newSource() source {
	seed := uint64(time.Now().UnixNano())
	var s [32]byte
	for i := range 8 {
		s[i] = byte(seed >> (8 * i))
	}
	return source{rand.NewChaCha8(s), seed}
}

func (s source) below(n int) int { return int(s.Uint64() % uint64(n)) }

func (s source) key() *[Size]byte {
	var key [Size]byte
	_, _ = s.Read(key[:]) // never fails
	return &key
}

// messages returns count different ones of n bytes, at any address.
func (s source) messages(count, n int) [][]byte {
	all := make([][]byte, count)
	for i := range all {
		at := s.below(64)
		all[i] = make([]byte, at+n)[at:]
		_, _ = s.Read(all[i])
	}
	return all
}

// TestEveryLength: up to nine messages of one length have the library's sums.
func TestEveryLength(t *testing.T) {
	t.Parallel()
	s := newSource()
	lengths := make([]int, 4097, 4200)
	for n := range lengths {
		lengths[n] = n
	}
	for len(lengths) < cap(lengths) {
		lengths = append(lengths, s.below(3000)*packetBytes+s.below(2)*s.below(packetBytes))
	}
	for _, n := range lengths {
		messages, key := s.messages(1+s.below(9), n), s.key()
		if have := AppendSums(nil, messages, key); !bytes.Equal(have, appendEach(nil, messages, key)) {
			t.Fatalf("seed %d: %d messages of %d bytes have other sums", s.seed, len(messages), n)
		}
	}
}

// TestMixedLengths: messages of any lengths have the library's sums, behind what dst had before.
func TestMixedLengths(t *testing.T) {
	t.Parallel()
	s := newSource()
	for range 2000 {
		var messages [][]byte
		for range s.below(12) {
			n := s.below(4)*packetBytes + s.below(2)*s.below(2)*s.below(packetBytes)
			messages = append(messages, s.messages(1, n)...)
		}
		key, dst := s.key(), []byte("before")
		want := appendEach(dst, messages, key)
		if have := AppendSums(dst, messages, key); !bytes.Equal(have, want) {
			lengths := []int{}
			for _, p := range messages {
				lengths = append(lengths, len(p))
			}
			t.Fatalf("seed %d: messages of %v bytes have other sums", s.seed, lengths)
		}
	}
}

// TestNeighbours: a sum is the same at every place among whatever others, and messages stay as
// they are.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	s := newSource()
	key, p := s.key(), s.messages(1, 8*packetBytes)[0]
	before := bytes.Clone(p)
	want := appendEach(nil, [][]byte{p}, key)
	for i := range 100 * AtOnce {
		at := i % AtOnce
		messages := s.messages(AtOnce, len(p))
		messages[at] = p
		if i%3 == 0 {
			messages[(at+1)%AtOnce] = p // twice the same memory
		}
		sums := AppendSums(nil, messages, key)
		if !bytes.Equal(sums[at*Size:][:Size], want) || !bytes.Equal(p, before) {
			t.Fatalf("seed %d, run %d: another sum as message %d", s.seed, i, at)
		}
	}
}

// TestEveryBit: no bit of a message is without effect, and none of the key.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	s := newSource()
	messages, key := s.messages(AtOnce, 4*packetBytes), s.key()
	seen := map[string]bool{}
	add := func(what string, bit int, sums []byte) {
		for i := range AtOnce {
			sum := string(sums[i*Size:][:Size])
			if seen[sum] {
				t.Fatalf("seed %d: %s %d, message %d: a sum that was there before", s.seed, what, bit, i)
			}
			seen[sum] = true
		}
	}
	for bit := range 8 * len(messages[0]) {
		for _, p := range messages {
			p[bit/8] ^= 1 << (bit % 8)
		}
		add("bit of messages", bit, AppendSums(nil, messages, key))
		for _, p := range messages {
			p[bit/8] ^= 1 << (bit % 8)
		}
	}
	for bit := range 8 * Size {
		key[bit/8] ^= 1 << (bit % 8)
		add("bit of the key", bit, AppendSums(nil, messages, key))
		key[bit/8] ^= 1 << (bit % 8)
	}
}

// TestGolden: those of up to 64 bytes are vectors of the reference implementation, google/highwayhash.
// Messages and key count from zero on.
func TestGolden(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0:       "f574c8c22a4844dd1f35c713730146d9ff1487b9ccbeaeb3f41d75453123da41",
		1:       "54825fe4bc41b9ed0fc6ca3def440de2474a32cb9b1b657284e475b24c627320",
		32:      "fec3a139908ce3bc8912c1a32663d542a9aefc64f79555e3995a47c96b3cb0c9",
		64:      "7524c16affe6d890f2c1da6e192a421a02b08e1ffe65379ebecf51c3c4d7bdc1",
		65536:   "4f60e86003bb709a891931fb5a2a6f9796c5089bc6cb58c6cc77cdec112a060f",
		1 << 20: "4f43c2539b2575e5a89e1d8addb49a5e3c0fcb66f15af8bc24ab75717f1a10a1",
	} {
		var key [Size]byte
		p := make([]byte, n)
		for i := range key {
			key[i] = byte(i)
		}
		for i := range p {
			p[i] = byte(i)
		}
		sums := AppendSums(nil, [][]byte{p, p, p, p, p}, &key) // the last one is the library's
		for i := 0; i < len(sums); i += Size {
			if have := hex.EncodeToString(sums[i : i+Size]); have != want {
				t.Errorf("%d bytes, message %d: %s, want %s", n, i/Size, have, want)
			}
		}
	}
}

func TestNothingAllocated(t *testing.T) {
	s := newSource()
	messages, key := s.messages(9, 1024), s.key()
	dst := make([]byte, 0, 9*Size)
	if n := testing.AllocsPerRun(100, func() { AppendSums(dst, messages, key) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzAppendSums cuts text into messages, whose lengths in packets are the bytes of cuts, the last one
// being the rest.
func FuzzAppendSums(f *testing.F) {
	f.Add([]byte("key"), []byte{1, 1, 1, 1}, bytes.Repeat([]byte("messages "), 40))
	f.Add([]byte("of"), []byte{1, 2, 3, 4}, bytes.Repeat([]byte("lengths"), 60))
	f.Add([]byte{}, []byte{2, 2, 0, 3, 3, 3, 3, 3}, bytes.Repeat([]byte{0xff}, 640))
	f.Fuzz(func(t *testing.T, keyText, cuts, text []byte) {
		var key [Size]byte
		copy(key[:], keyText)
		var messages [][]byte
		for _, c := range cuts {
			n := min(int(c)*packetBytes, len(text))
			messages, text = append(messages, text[:n]), text[n:]
		}
		messages = append(messages, text)
		if !bytes.Equal(AppendSums(nil, messages, &key), appendEach(nil, messages, &key)) {
			t.Error("other sums than the library's")
		}
	})
}
