package session

import (
	"time"

	"flashstore/netloop"
)

// Rate watches that a request body keeps a minimum number of bytes per window. It holds no
// clock: callers say what time it is. The zero value watches nothing.
type Rate struct {
	window      time.Duration
	windowBytes int64 // fewer in a window is too slow
	start       time.Time
	got         int64
}

// Start begins the first window at now.
func (r *Rate) Start(limits *netloop.Limits, now time.Time) {
	r.window = limits.BodyRateWindow
	r.windowBytes = max(1, int64(float64(limits.BodyRateMin)*r.window.Seconds()))
	r.start, r.got = now, 0
}

// Deadline is when a read that begins now, and returns nothing until then, has shown that the
// body is too slow: the end of this window, or of the next one if this one has its bytes.
func (r *Rate) Deadline() time.Time {
	if r.got >= r.windowBytes {
		return r.start.Add(2 * r.window)
	}
	return r.start.Add(r.window)
}

// Add counts bytes that arrived by now and reports whether the body is still fast enough.
func (r *Rate) Add(bytes int, now time.Time) bool {
	fast := now.Before(r.Deadline())
	if now.Sub(r.start) >= r.window {
		r.start, r.got = now, 0
	}
	r.got += int64(bytes)
	return fast
}
