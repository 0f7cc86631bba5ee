package s3api

import (
	"strconv"
	"time"
	"unsafe"
)

// view returns the bytes of s without a copy. Nobody writes to them: netloop only sends the
// fields it is given.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// stringView returns s as a string without a copy. It is not to be kept longer than s, nor s to be
// written to meanwhile.
func stringView(s []byte) string { return unsafe.String(unsafe.SliceData(s), len(s)) }

// httpTime is http.TimeFormat (RFC 9110, 5.6.7).
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// parseHTTPTime accepts the three formats of RFC 9110.
func parseHTTPTime(s string) (time.Time, bool) {
	for _, layout := range [...]string{httpTime, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// number returns v in decimal in the request's memory.
func (rq *request) number(v int64) []byte {
	return strconv.AppendInt(rq.ex.Memory.Alloc(20)[:0], v, 10)
}

// lower appends the ASCII lower-case form of name to dst.
func lower(dst, name []byte) []byte {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
