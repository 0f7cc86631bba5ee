package s3api

import (
	"bytes"
	"strconv"

	"flashstore/engine/s3err"
)

// nextParam splits the first parameter off a raw query. Name and value are as sent.
func nextParam(query []byte) (name, value, rest []byte) {
	part, rest, _ := bytes.Cut(query, []byte{'&'})
	name, value, _ = bytes.Cut(part, []byte{'='})
	return name, value, rest
}

// param returns the decoded value of the first query parameter of that name.
func (rq *request) param(name string) (value string, given bool, err error) {
	for query := rq.ex.Request.Query; len(query) > 0; {
		var n, v []byte
		n, v, query = nextParam(query)
		if string(n) == name {
			value, err = rq.unescape(v, true)
			return value, true, err
		}
	}
	return "", false, nil
}

// intParam returns a parameter that counts something, limit if it is absent or larger.
// S3 takes 0 to 2^31-1 and never gives more than its limit.
func (rq *request) intParam(name string, limit int) (int, error) {
	text, given, err := rq.param(name)
	if err != nil || !given || text == "" {
		return limit, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, s3err.InvalidArgument.
			With("Argument "+name+" must be an integer between 0 and 2147483647.").
			Detail("ArgumentName", name).Detail("ArgumentValue", text)
	}
	return min(int(n), limit), nil
}

// text is s as a string: a view of it on the event loop, where nobody keeps it, else a copy.
func (rq *request) text(s []byte) string {
	if rq.now {
		return stringView(s)
	}
	return string(s)
}

// unescape decodes percent escapes, and "+" as a space where plus is set. On the event loop the
// string lives as long as the request, else for ever.
func (rq *request) unescape(s []byte, plus bool) (string, error) {
	if !escaped(s, plus) {
		return rq.text(s), nil
	}
	out, err := appendUnescaped(rq.ex.Memory.Alloc(len(s))[:0], s, plus)
	return rq.text(out), err
}

func escaped(s []byte, plus bool) bool {
	return bytes.IndexByte(s, '%') >= 0 || plus && bytes.IndexByte(s, '+') >= 0
}

// appendUnescaped appends s without its escapes, which is never longer.
func appendUnescaped(out, s []byte, plus bool) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) {
				return nil, s3err.InvalidURI
			}
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high > 15 || low > 15 {
				return nil, s3err.InvalidURI
			}
			out = append(out, high<<4|low)
			i += 2
		case c == '+' && plus:
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return out, nil
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
