package form

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the JSON of policies: RFC 8259, and in strings the escapes \$ and \v, which AWS
// documents for policies. What is asked for and is not there makes it bad for good, so a caller may
// look once, at the end.
type scanner struct {
	text string
	bad  bool
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.text = strings.TrimLeft(s.text, " \t\r\n")
	if s.text == "" || s.bad {
		return 0
	}
	return s.text[0]
}

// take consumes c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || c == 0 {
		return false
	}
	s.text = s.text[1:]
	return true
}

// want consumes c.
func (s *scanner) want(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

// each reads a list or an object up to its end, and calls item for each of its items.
func (s *scanner) each(first, last byte, item func()) {
	s.want(first)
	if s.take(last) {
		return
	}
	for !s.bad {
		item()
		if s.take(last) {
			return
		}
		s.want(',')
	}
}

// string reads a string.
func (s *scanner) string() string {
	s.want('"')
	var b strings.Builder
	for i := 0; i < len(s.text) && !s.bad; {
		switch c := s.text[i]; {
		case c == '"':
			s.text = s.text[i+1:]
			return b.String()
		case c < ' ':
			s.bad = true
		case c == '\\':
			i += s.escape(s.text[i:], &b)
		default:
			r, width := utf8.DecodeRuneInString(s.text[i:])
			if r == utf8.RuneError && width == 1 {
				s.bad = true
			}
			b.WriteString(s.text[i : i+width])
			i += width
		}
	}
	s.bad = true
	return ""
}

// escape appends what an escape stands for, and returns its length.
func (s *scanner) escape(text string, b *strings.Builder) int {
	if len(text) < 2 {
		s.bad = true
		return 1
	}
	const names, values = `"\/bfnrt$v`, "\"\\/\b\f\n\r\t$\v"
	if i := strings.IndexByte(names, text[1]); i >= 0 {
		b.WriteByte(values[i])
		return 2
	}
	r, ok := hex4(text)
	if !ok {
		s.bad = true
		return 1
	}
	if !utf16.IsSurrogate(r) {
		b.WriteRune(r)
		return 6
	}
	low, ok := hex4(text[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		s.bad = true
	}
	b.WriteRune(r)
	return 12
}

// hex4 reads \uXXXX.
func hex4(text string) (r rune, ok bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | c
	}
	return r, true
}

// number reads the digits of a whole number that is not negative: S3 takes no others.
func (s *scanner) number() string {
	s.peek()
	n := 0
	for n < len(s.text) && '0' <= s.text[n] && s.text[n] <= '9' {
		n++
	}
	digits := s.text[:n]
	if n == 0 || n > 1 && digits[0] == '0' {
		s.bad = true
	}
	s.text = s.text[n:]
	return digits
}
