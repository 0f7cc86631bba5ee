package adminapi

import (
	"net/url"

	"flashstore/netloop"
)

// healing answers how healing stands.
func (h *Handler) healing(ex *netloop.Exchange) {
	if !h.may(&ex.Request, "admin:Heal") {
		h.refuse(ex, 403, "access denied")
		return
	}
	h.document(ex, 200, h.config.Healing())
}

// heal begins a pass over everything: 202, since it goes on behind the answer.
func (h *Handler) heal(ex *netloop.Exchange) {
	query, ok := h.order(ex, "admin:Heal", "scrub")
	if !ok {
		return
	}
	scrub := query.Get("scrub")
	if scrub != "" && scrub != "true" && scrub != "false" {
		h.refuse(ex, 400, "scrub is true or false")
		return
	}
	h.document(ex, 202, h.config.Heal(scrub == "true"))
}

// adopt makes drives of empty directories: 409 where that would not be safe.
func (h *Handler) adopt(ex *netloop.Exchange) {
	query, ok := h.order(ex, "admin:Adopt", "drive")
	if !ok {
		return
	}
	done, err := h.config.Adopt(query.Get("drive"))
	if err != nil {
		h.refuse(ex, 409, err.Error())
		return
	}
	h.document(ex, 200, done)
}

// order reads the query of a call that changes something, which knows one parameter.
func (h *Handler) order(ex *netloop.Exchange, action, known string) (url.Values, bool) {
	if !h.may(&ex.Request, action) {
		h.refuse(ex, 403, "access denied")
		return nil, false
	}
	query, err := url.ParseQuery(string(ex.Request.Query))
	if err != nil {
		h.refuse(ex, 400, "the query is malformed")
		return nil, false
	}
	for name, values := range query {
		if name != known || len(values) != 1 {
			h.refuse(ex, 400, "the only parameter is "+known)
			return nil, false
		}
	}
	return query, true
}
