package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

const (
	blockBytes        = sha256.BlockSize
	signatureHexBytes = 2 * sha256.Size
	// textBytesMax bounds a text to sign: algorithm and newline (25), date and newline (17), scope
	// and newline (8 + 3 + 2×scopeBytesMax + 13), three hashes with newlines (195).
	textBytesMax = 25 + 17 + (8 + 3 + 2*scopeBytesMax + 13) + 3*(signatureHexBytes+1)
)

// signingKey is a key derived for one day, region and service.
type signingKey [sha256.Size]byte

// mac returns HMAC-SHA256 of a text of at most textBytesMax bytes, RFC 2104.
// Note: crypto/hmac does the same with five heap objects a call; this one has none, and a
// test holds the two together.
func mac(key *signingKey, text []byte) [sha256.Size]byte {
	var inner [blockBytes + textBytesMax]byte
	var outer [blockBytes + sha256.Size]byte
	for i := range blockBytes {
		var k byte
		if i < len(key) {
			k = key[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	if len(text) > textBytesMax {
		panic("sigv4: text to sign is too long")
	}
	n := copy(inner[blockBytes:], text)
	sum := sha256.Sum256(inner[:blockBytes+n])
	copy(outer[blockBytes:], sum[:])
	return sha256.Sum256(outer[:])
}

// deriveKey derives the key of one day (YYYYMMDD), region and service.
func deriveKey(secret, date, region, service string) (key signingKey) {
	first := hmac.New(sha256.New, []byte("AWS4"+secret))
	first.Write([]byte(date))
	copy(key[:], first.Sum(nil))
	for _, word := range [...]string{region, service, "aws4_request"} {
		key = mac(&key, []byte(word))
	}
	return key
}

func appendHex(dst []byte, sum *[sha256.Size]byte) []byte {
	return hex.AppendEncode(dst, sum[:])
}

// equalHex compares a sum with one in lower-case hexadecimal, in constant time.
func equalHex(sum *[sha256.Size]byte, text []byte) bool {
	var want [signatureHexBytes]byte
	hex.Encode(want[:], sum[:])
	return hmac.Equal(want[:], text)
}
