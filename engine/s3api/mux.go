package s3api

import (
	"bytes"
	"net/http"

	"flashstore/engine/object"
	"flashstore/netloop"
)

// Mux sends what lies below /flashstore/ to the server's own endpoints and the rest to S3.
type Mux struct {
	own, s3 netloop.Handler
	domains []string
}

var (
	_ netloop.InlineHandler = (*Mux)(nil)
	_ netloop.BusyHandler   = (*Mux)(nil)
)

// NewMux returns a Mux. Domains are those of the S3 handler: under "bucket.domain" every path
// is a key, "flashstore/..." too.
func NewMux(own, s3 netloop.Handler, domains []string) *Mux {
	return &Mux{own: own, s3: s3, domains: domains}
}

// Handle passes ex on.
func (m *Mux) Handle(ex *netloop.Exchange) { m.choose(ex).Handle(ex) }

// TryHandle passes ex on to a handler that can answer on the loop.
func (m *Mux) TryHandle(ex *netloop.Exchange) bool {
	inline, ok := m.choose(ex).(netloop.InlineHandler)
	return ok && inline.TryHandle(ex)
}

// Busy passes ex on to S3, whose answer tells any client to come back.
func (m *Mux) Busy(ex *netloop.Exchange) {
	if busy, ok := m.s3.(netloop.BusyHandler); ok {
		busy.Busy(ex)
		return
	}
	ex.SetStatus(http.StatusServiceUnavailable)
}

// choose says whose a request is. Only the plain spelling of a path below /flashstore/ is the
// server's own; /flashstore itself, and "flashstore" with escapes, are a bucket name, and
// refused as such.
func (m *Mux) choose(ex *netloop.Exchange) netloop.Handler {
	rest, found := bytes.CutPrefix(ex.Request.Path, []byte("/"+object.ReservedBucket))
	if found && len(rest) > 1 && rest[0] == '/' {
		if _, virtual := virtualBucket(ex.Request.Host, m.domains); !virtual {
			return m.own
		}
	}
	return m.s3
}
