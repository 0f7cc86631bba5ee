package arenatest

import "encoding/binary"

// fill writes seed and position over all of p; filled says whether they are still there.
func fill(p []byte, seed uint64) {
	for at := 0; at+8 <= len(p); at += 8 {
		binary.LittleEndian.PutUint64(p[at:], word(seed, at))
	}
	for at := len(p) &^ 7; at < len(p); at++ {
		p[at] = byte(seed)
	}
}

func filled(p []byte, seed uint64) bool {
	for at := 0; at+8 <= len(p); at += 8 {
		if binary.LittleEndian.Uint64(p[at:]) != word(seed, at) {
			return false
		}
	}
	for at := len(p) &^ 7; at < len(p); at++ {
		if p[at] != byte(seed) {
			return false
		}
	}
	return true
}

func word(seed uint64, at int) uint64 { return (seed+1)*0x9E3779B97F4A7C15 ^ uint64(at) }

// mark and marked do the same for one word a page, cheap enough for many rounds of whole
// blocks under the race detector.
func mark(p []byte, seed uint64) {
	for at := 0; at < len(p); at += 4 << 10 {
		binary.LittleEndian.PutUint64(p[at:], word(seed, at))
	}
}

func marked(p []byte, seed uint64) bool {
	for at := 0; at < len(p); at += 4 << 10 {
		if binary.LittleEndian.Uint64(p[at:]) != word(seed, at) {
			return false
		}
	}
	return true
}
