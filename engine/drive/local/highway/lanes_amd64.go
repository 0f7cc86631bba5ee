package highway

import (
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/cpuid/v2"
)

// Lanes says whether this machine hashes messages side by side.
func Lanes() bool { return cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) }

// lanes are the states of four messages; the same word of all of them is together, so that
// a register of 64 bytes has that of two messages.
type lanes struct{ v0, v1, mul0, mul1 [AtOnce][4]uint64 }

// rounds takes in packets of 32 bytes of each message, at least one, and the ten of the end.
//
//go:noescape
func rounds(s *lanes, messages *[AtOnce]*byte, packets int)

// appendLanes appends the sums of two to four messages of one length, a multiple of 32 bytes but
// not zero.
func appendLanes(dst []byte, messages [][]byte, key *[Size]byte) []byte {
	var at [AtOnce]*byte
	for i := range at {
		at[i] = &messages[min(i, len(messages)-1)][0] // what is left over hashes the last again
	}
	s := newLanes(key)
	rounds(&s, &at, len(messages[0])/packetBytes)
	for i := range messages {
		dst = s.appendSum(dst, i)
	}
	return dst
}

func newLanes(key *[Size]byte) (s lanes) {
	// Digits of pi: the paper's initial values of mul0 and mul1.
	mul0 := [4]uint64{0xdbe6d5d5fe4cce2f, 0xa4093822299f31d0, 0x13198a2e03707344, 0x243f6a8885a308d3}
	mul1 := [4]uint64{0x3bd39e10cb0ef593, 0xc0acf169b5f18a8c, 0xbe5466cf34e90c6c, 0x452821e638d01377}
	var v0, v1 [4]uint64
	for i := range v0 {
		k := binary.LittleEndian.Uint64(key[8*i:])
		v0[i], v1[i] = mul0[i]^k, mul1[i]^bits.RotateLeft64(k, 32)
	}
	for i := range AtOnce {
		s.v0[i], s.v1[i], s.mul0[i], s.mul1[i] = v0, v1, mul0, mul1
	}
	return s
}

// appendSum appends the sum of message i once all rounds are done.
func (s *lanes) appendSum(dst []byte, i int) []byte {
	v0, v1, mul0, mul1 := &s.v0[i], &s.v1[i], &s.mul0[i], &s.mul1[i]
	for j := 0; j < 4; j += 2 {
		low, high := reduce(v0[j]+mul0[j], v0[j+1]+mul0[j+1], v1[j]+mul1[j], v1[j+1]+mul1[j+1])
		dst = binary.LittleEndian.AppendUint64(dst, low)
		dst = binary.LittleEndian.AppendUint64(dst, high)
	}
	return dst
}

// reduce returns 254 bits, words a0 to a3, modulo x^128 + x^2 + x.
func reduce(a0, a1, a2, a3 uint64) (low, high uint64) {
	a3 &= 1<<62 - 1
	low = a0 ^ a2<<1 ^ a2<<2
	high = a1 ^ (a3<<1 | a2>>63) ^ (a3<<2 | a2>>62)
	return low, high
}
