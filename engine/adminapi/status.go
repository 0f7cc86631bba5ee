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
	if !h.may(&ex.Request, "admin:Status") {
		h.refuse(ex, 403, "access denied")
		return
	}
	h.document(ex, 200, h.config.Status())
}

// document answers with a document as JSON.
func (h *Handler) document(ex *netloop.Exchange, status int, content any) {
	doc, err := json.Marshal(content)
	if err != nil {
		h.config.Log.Error("a document is not JSON", slog.Any("error", err))
		h.refuse(ex, 500, "internal error")
		return
	}
	h.send(ex, status, "application/json", append(doc, '\n'))
}

// may reports whether a request is signed, in its header, by somebody who may do that.
func (h *Handler) may(r *netloop.Request, action string) bool {
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
	return h.config.Authorizer.AuthorizeAdmin(who.AccessKey, action)
}
