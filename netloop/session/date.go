package session

import (
	"sync/atomic"
	"time"
)

// date is the Date field line of the current second (RFC 9110 section 6.6.1), formatted once.
type date struct{ current atomic.Pointer[dateLine] }

type dateLine struct {
	second int64
	line   []byte
}

func (d *date) append(dst []byte, now time.Time) []byte {
	second := now.Unix()
	current := d.current.Load()
	if current == nil || current.second != second {
		line := now.UTC().AppendFormat([]byte("Date: "), "Mon, 02 Jan 2006 15:04:05 GMT")
		current = &dateLine{second, append(line, "\r\n"...)}
		d.current.Store(current)
	}
	return append(dst, current.line...)
}
