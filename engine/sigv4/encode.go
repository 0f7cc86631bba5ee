package sigv4

// table is a set of bytes.
type table [256]bool

// isUnreserved holds the bytes that UriEncode leaves alone: A-Z a-z 0-9 - . _ ~
var isUnreserved = newTable("-._~")

// isToken holds the bytes of a header field name in lower case, RFC 9110 section 5.6.2.
var isToken = lowerToken()

func newTable(extra string) (t table) {
	for c := range 256 {
		t[c] = 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || '0' <= c && c <= '9'
	}
	for i := range len(extra) {
		t[extra[i]] = true
	}
	return t
}

func lowerToken() table {
	t := newTable("!#$%&'*+-.^_`|~")
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = false
	}
	return t
}

const upperHex = "0123456789ABCDEF"

func appendEscape(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// unhex returns the value of a hexadecimal digit, or a value over 15.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xff
	}
}

// unescape returns the byte that the escape at the start of s, %XX, stands for.
func unescape(s []byte) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	hi, lo := unhex(s[1]), unhex(s[2])
	return hi<<4 | lo, hi|lo < 16
}

// appendPath appends the canonical form of a path as sent: every byte that is not unreserved
// is escaped in upper case, every unreserved one is not, whatever the client did. A slash
// stays, an escaped slash (%2F) stays escaped, and no segment is touched: two paths have the
// same form only if they differ in the spelling of escapes alone. '+' is a plus sign.
func appendPath(dst, path []byte) ([]byte, bool) {
	if len(path) == 0 {
		return append(dst, '/'), true
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '/' || isUnreserved[c]:
			dst = append(dst, c)
		case c != '%':
			dst = appendEscape(dst, c)
		default:
			b, ok := unescape(path[i:])
			if !ok {
				return dst, false
			}
			i += 2
			dst = appendUnit(dst, b)
		}
	}
	return dst, true
}

// appendQueryPart appends the canonical form of a name or value of a query as sent. A '+' is a
// space: so S3 reads a query, and so the Go clients (which send %20) sign one they are given.
func appendQueryPart(dst, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			dst = append(dst, "%20"...)
		case '%':
			b, ok := unescape(s[i:])
			if !ok {
				return dst, false
			}
			i += 2
			dst = appendUnit(dst, b)
		default:
			dst = appendUnit(dst, c)
		}
	}
	return dst, true
}

// appendUnit appends one decoded byte in canonical form.
func appendUnit(dst []byte, c byte) []byte {
	if isUnreserved[c] {
		return append(dst, c)
	}
	return appendEscape(dst, c)
}

// appendDecoded appends the bytes that canonical text stands for.
func appendDecoded(dst, canonical []byte) []byte {
	for i := 0; i < len(canonical); i++ {
		if c := canonical[i]; c != '%' {
			dst = append(dst, c)
			continue
		}
		b, _ := unescape(canonical[i:])
		dst = append(dst, b)
		i += 2
	}
	return dst
}
