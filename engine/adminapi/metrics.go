package adminapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"

	"github.com/prometheus/common/expfmt"

	"flashstore/netloop"
)

// metrics answers with all metrics in the text format of Prometheus. A part that cannot be
// read is logged, and missing; the others are sent.
func (h *Handler) metrics(ex *netloop.Exchange) {
	if !h.config.MetricsPublic && !h.hasToken(&ex.Request) {
		ex.AddField([]byte("WWW-Authenticate"), []byte("Bearer"))
		h.refuse(ex, 401, "unauthorized")
		return
	}
	families, err := h.config.Gatherer.Gather()
	if err != nil {
		h.config.Log.Error("metrics are incomplete", slog.Any("error", err))
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	var body bytes.Buffer
	encoder := expfmt.NewEncoder(&body, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			h.config.Log.Error("metrics are incomplete", slog.Any("error", err))
			h.refuse(ex, 500, "internal error")
			return
		}
	}
	h.send(ex, 200, string(format), body.Bytes())
}

// hasToken reports whether a request carries the bearer token, exactly once.
func (h *Handler) hasToken(r *netloop.Request) bool {
	if h.config.MetricsToken == "" {
		return false
	}
	var given []byte
	times := 0
	for i := range r.Header {
		if netloop.EqualFold(r.Header[i].Name, "authorization") {
			given, times = r.Header[i].Value, times+1
		}
	}
	const scheme = "bearer "
	if times != 1 || len(given) < len(scheme) || !netloop.EqualFold(given[:len(scheme)], scheme) {
		return false
	}
	a, b := sha256.Sum256(given[len(scheme):]), sha256.Sum256([]byte(h.config.MetricsToken))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
