package sign

const upperHex = "0123456789ABCDEF"

// Path encodes a path as S3 signs and expects it: each byte but A–Z a–z 0–9 - . _ ~ and / is
// written %XX. The load sends it as it signs it.
func Path(path string) string {
	out := make([]byte, 0, len(path)+8)
	for i := range len(path) {
		if c := path[i]; unreserved(c) || c == '/' {
			out = append(out, c)
		} else {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(out)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
