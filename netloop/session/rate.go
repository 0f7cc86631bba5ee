package session

import (
	"time"

	"flashstore/netloop"
)

// Rate watches that a request body keeps a minimum rate. Waiting for it uses up patience, of which
// there is at most a window's, and each byte earns as much of it back as it may take at that rate.
// Only waiting does: a client is not blamed for what the server does between two reads. It holds no
// clock: callers say what time it is.
type Rate struct {
	window    time.Duration
	byteNanos float64 // one byte earns
	patience  time.Duration
	since     time.Time // the wait at hand
}

// Start begins a body.
func (r *Rate) Start(limits *netloop.Limits) {
	r.window = limits.BodyRateWindow
	r.byteNanos = float64(time.Second) / float64(limits.BodyRateMin)
	r.patience = r.window
}

// Wait begins a read at now, and returns when one that has got nothing has shown that the body is
// too slow.
func (r *Rate) Wait(now time.Time) time.Time {
	r.since = now
	return now.Add(r.patience)
}

// Add ends a read that got bytes by now, and reports whether the body is still fast enough.
func (r *Rate) Add(bytes int, now time.Time) bool {
	left := float64(r.patience-now.Sub(r.since)) + float64(bytes)*r.byteNanos
	r.patience = time.Duration(min(left, float64(r.window)))
	return r.patience > 0
}
