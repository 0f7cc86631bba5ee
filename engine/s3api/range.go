package s3api

import (
	"strconv"
	"strings"
)

// rangeKind says what becomes of a Range field.
type rangeKind uint8

const (
	rangeWhole         rangeKind = iota // absent, malformed or several ranges: all, 200
	rangePart                           // 206
	rangeUnsatisfiable                  // 416
)

// span is the part of an object that is answered.
type span struct {
	kind           rangeKind
	offset, length int64
	part           int // its number, if a part was asked for
}

// parseRange applies a Range field to an object of size bytes. Like S3 it ignores what is not
// one byte range (RFC 9110, 14.2 allows that).
func parseRange(field string, size int64) span {
	whole := span{kind: rangeWhole, length: size}
	unit, set, ok := strings.Cut(field, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return whole
	}
	first, last, ok := strings.Cut(strings.TrimSpace(set), "-")
	if !ok {
		return whole
	}
	if first == "" {
		n, ok := digits(last)
		switch {
		case !ok:
			return whole
		case n == 0 || size == 0:
			return span{kind: rangeUnsatisfiable}
		}
		n = min(n, size)
		return span{kind: rangePart, offset: size - n, length: n}
	}
	from, ok := digits(first)
	to := size - 1
	if ok && last != "" {
		to, ok = digits(last)
	}
	switch {
	case !ok || last != "" && to < from:
		return whole
	case from >= size:
		return span{kind: rangeUnsatisfiable}
	}
	to = min(to, size-1)
	return span{kind: rangePart, offset: from, length: to - from + 1}
}

// digits parses a decimal number without sign; one too large for 63 bits is the largest.
func digits(s string) (int64, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64) // at its limit where s is larger
	return n, s != "" && (err == nil || n > 0)
}
