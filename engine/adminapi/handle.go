package adminapi

import (
	"encoding/json"
	"log/slog"

	"flashstore/netloop"
)

const (
	livePath  = "/flashstore/health/live"
	readyPath = "/flashstore/health/ready"
)

// Handle answers one request; see netloop.Handler. Paths are compared as they were sent.
func (h *Handler) Handle(ex *netloop.Exchange) {
	to := h.route(string(ex.Request.Path))
	read := string(ex.Request.Method) == "GET" || string(ex.Request.Method) == "HEAD"
	switch {
	case to.read == nil && to.order == nil:
		h.refuse(ex, 404, "not found")
	case read && to.read != nil:
		to.read(ex)
	case string(ex.Request.Method) == "POST" && to.order != nil:
		to.order(ex)
	default:
		ex.AddField([]byte("Allow"), []byte(to.allow()))
		h.refuse(ex, 405, "method not allowed")
	}
}

// target is what a path does for GET and HEAD, and for POST; nil where that is not allowed.
type target struct{ read, order func(*netloop.Exchange) }

func (t target) allow() string {
	switch {
	case t.order == nil:
		return "GET, HEAD"
	case t.read == nil:
		return "POST"
	}
	return "GET, HEAD, POST"
}

// TryHandle answers on the event loop what asks whether the process is alive and ready, without
// waiting behind requests: under overload a server must not be taken for dead. See
// netloop.InlineHandler.
func (h *Handler) TryHandle(ex *netloop.Exchange) bool {
	switch string(ex.Request.Path) {
	case livePath, readyPath:
		if ex.Request.ContentLength == 0 {
			h.Handle(ex)
			return true
		}
	}
	return false
}

func (h *Handler) route(path string) target {
	switch path {
	case livePath:
		return target{read: func(ex *netloop.Exchange) { h.health(ex, true) }}
	case readyPath:
		return target{read: func(ex *netloop.Exchange) { h.health(ex, h.config.Ready()) }}
	case "/flashstore/health/cluster":
		return target{read: func(ex *netloop.Exchange) { h.health(ex, h.config.Cluster()) }}
	case "/flashstore/metrics":
		return target{read: h.metrics}
	case "/flashstore/v1/status":
		return target{read: h.status}
	case "/flashstore/v1/admin/heal":
		return target{read: h.healing, order: h.heal}
	case "/flashstore/v1/admin/adopt":
		return target{order: h.adopt}
	}
	return target{}
}

func (h *Handler) health(ex *netloop.Exchange, good bool) {
	if !good {
		h.refuse(ex, 503, "unavailable")
		return
	}
	h.send(ex, 200, "application/json", []byte(`{"status":"ok"}`+"\n"))
}

// refuse answers with an error in JSON.
func (h *Handler) refuse(ex *netloop.Exchange, status int, reason string) {
	doc, err := json.Marshal(map[string]string{"error": reason})
	if err != nil {
		panic(err) // a map of strings is always JSON
	}
	h.send(ex, status, "application/json", append(doc, '\n'))
}

// send answers with body, or its length only for HEAD.
func (h *Handler) send(ex *netloop.Exchange, status int, contentType string, body []byte) {
	ex.SetStatus(status)
	ex.AddField([]byte("Server"), []byte("flashstore"))
	ex.AddField([]byte("Content-Type"), []byte(contentType))
	ex.AddField([]byte("Cache-Control"), []byte("no-store"))
	ex.SetContentLength(int64(len(body)))
	if string(ex.Request.Method) == "HEAD" {
		return
	}
	if err := ex.Write(body); err != nil {
		h.config.Log.Debug("answer not sent", slog.Any("error", err))
	}
}
