package load

import (
	"bytes"
)

// head is what the generator reads of an answer's head.
type head struct {
	status int
	length int64 // Content-Length; -1: none, or the body is framed otherwise
	closes bool
}

// parseHead reads a status line and fields, each with its line end, as in RFC 9112. It is as
// strict as telling answers apart needs, no more: what servers under test write is well known.
func parseHead(text []byte) (h head, ok bool) {
	const version = "HTTP/1.1 "
	end := bytes.IndexByte(text, '\n')
	if end < len(version)+3 || string(text[:len(version)]) != version {
		return head{}, false
	}
	code, ok := decimal(text[len(version) : len(version)+3])
	if !ok || code < 100 {
		return head{}, false
	}
	h = head{status: int(code), length: -1}
	framed := false
	for rest := text[end+1:]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return head{}, false
		}
		line := rest[:end]
		rest = rest[end+1:]
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return head{}, false
		}
		switch name := line[:colon]; {
		case colon == len("content-length") && equalFold(name, "content-length"):
			n, ok := decimal(bytes.TrimSpace(line[colon+1:]))
			if !ok || h.length >= 0 && h.length != n {
				return head{}, false
			}
			h.length = n
		case colon == len("connection") && equalFold(name, "connection"):
			h.closes = h.closes || equalFold(bytes.TrimSpace(line[colon+1:]), "close")
		case colon == len("transfer-encoding") && equalFold(name, "transfer-encoding"):
			framed = true
		}
	}
	if framed {
		h.length = -1
	}
	return h, true
}

// equalFold compares letters and hyphens only; lower is in lower case and as long as text, or it
// is not equal.
func equalFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i := range text {
		if text[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// decimal reads up to 18 digits.
func decimal(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
