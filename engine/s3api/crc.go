package s3api

import "hash/crc32"

// polynomial is that of a reflected CRC whose initial value and final XOR are all ones.
type polynomial struct {
	poly uint64
	bits uint
}

// polynomialOf returns the one of a linear algorithm.
func polynomialOf(a algorithm) polynomial {
	switch a {
	case sumCRC32:
		return polynomial{crc32.IEEE, 32}
	case sumCRC32C:
		return polynomial{crc32.Castagnoli, 32}
	case sumCRC64NVME:
		return polynomial{0x9A6C9329AC4BC9B5, 64} // NVM Express, 5.2.1.3.4 "64b CRC"
	}
	panic("s3api: the algorithm is not a CRC")
}

// combine returns the CRC of two byte strings in a row, given that of each and the length of
// the second: crc(AB) = crc(A) * x^(8*len(B)) + crc(B), modulo the polynomial.
func (p polynomial) combine(a, b uint64, lenB int64) uint64 {
	return p.multiply(p.power(lenB), a) ^ b
}

// multiply multiplies two reflected polynomials: the top bit is x^0.
func (p polynomial) multiply(a, b uint64) uint64 {
	var product uint64
	for m := uint64(1) << (p.bits - 1); m != 0 && a != 0; m >>= 1 {
		if a&m != 0 {
			product ^= b
			a ^= m
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= p.poly
		}
	}
	return product
}

// power returns x^(8*bytes), by squaring.
func (p polynomial) power(bytes int64) uint64 {
	result := uint64(1) << (p.bits - 1)                 // x^0
	for square := result >> 8; bytes > 0; bytes >>= 1 { // x^8
		if bytes&1 != 0 {
			result = p.multiply(result, square)
		}
		square = p.multiply(square, square)
	}
	return result
}
