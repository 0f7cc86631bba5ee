package http1

import "encoding/binary"

// Eight bytes at a time: a mask byte has its top bit set where the test holds. The subtractions
// may also flag a byte above a true hit, which is why a hit is only a reason to look closer.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// tokenBits has a bit set for every tchar of RFC 9110 section 5.6.2, for bytes below 128.
const (
	tokenBitsLow  = 0x03FF6CFA00000000 // ! # $ % & ' * + - . 0-9
	tokenBitsHigh = 0x57FFFFFFC7FFFFFE // A-Z ^ _ ` a-z | ~
)

func isToken(c byte) bool {
	if c < 64 {
		return tokenBitsLow>>c&1 != 0
	}
	return c < 128 && tokenBitsHigh>>(c-64)&1 != 0
}

func allToken(b []byte) bool {
	for _, c := range b {
		if !isToken(c) {
			return false
		}
	}
	return len(b) > 0
}

// isFieldByte: HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
func isFieldByte(c byte) bool { return c >= 0x20 && c != 0x7F || c == '\t' }

func allFieldBytes(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		low := (x - ones*0x20) &^ x & tops
		y := x ^ ones*0x7F
		del := (y - ones) &^ y & tops
		if low|del != 0 {
			for _, c := range b[:8] {
				if !isFieldByte(c) {
					return false
				}
			}
		}
		b = b[8:]
	}
	for _, c := range b {
		if !isFieldByte(c) {
			return false
		}
	}
	return true
}

// allVisible: 0x21 to 0x7E without '#', which starts a fragment and is never sent.
func allVisible(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		low := (x - ones*0x21) &^ x & tops
		high := (x + ones) & tops // 0x7F, or carried into by 0xFF below it
		y := x ^ ones*'#'
		hash := (y - ones) &^ y & tops
		if low|high|x&tops|hash != 0 {
			break
		}
		b = b[8:]
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7F || c == '#' {
			return false
		}
	}
	return true
}

// equalFold compares with an ASCII word in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if lowerCase(c) != lower[i] {
			return false
		}
	}
	return true
}

func lowerCase(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// trim cuts optional white space (SP and HTAB) from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
