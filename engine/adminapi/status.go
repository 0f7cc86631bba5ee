package adminapi

import (
	"encoding/json"
	"log/slog"

	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// status answers with the status document to who signed the header and may read it. A
// presigned URL is refused: it could be passed on.
func (h *Handler) status(ex *netloop.Exchange) {
	if !h.mayReadStatus(&ex.Request) {
		h.refuse(ex, 403, "access denied")
		return
	}
	doc, err := json.Marshal(h.config.Status())
	if err != nil {
		h.config.Log.Error("status is not JSON", slog.Any("error", err))
		h.refuse(ex, 500, "internal error")
		return
	}
	h.send(ex, 200, "application/json", append(doc, '\n'))
}

func (h *Handler) mayReadStatus(r *netloop.Request) bool {
	if r.ContentLength != 0 {
		return false // nobody would look whether the body is what was signed
	}
	who, err := h.config.Verifier.Verify(&sigv4.Request{
		Method: r.Method, Path: r.Path, Query: r.Query, Host: r.Host, Header: r.Header,
		ContentLength: r.ContentLength,
	})
	if err != nil || who.AccessKey == "" || who.Presigned || who.Service != "s3" {
		return false
	}
	return h.config.Authorizer.AuthorizeAdmin(who.AccessKey, "admin:Status")
}
