package form

import (
	"strings"

	"flashstore/engine/s3err"
)

// parsePart reads the header lines of a part, each with the CR LF before it. Only
// Content-Disposition says anything (RFC 7578, 4.8). Error: MalformedPOSTRequest.
func parsePart(lines string) (part, error) {
	var p part
	found := false
	for line := range strings.SplitSeq(strings.TrimPrefix(lines, "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(line, "\r\n\x00") || !isToken(name) {
			return p, s3err.MalformedPOSTRequest
		}
		if !strings.EqualFold(name, "content-disposition") {
			continue
		}
		if found || !p.parseDisposition(value) {
			return p, s3err.MalformedPOSTRequest
		}
		found = true
	}
	if p.name == "" {
		return p, s3err.MalformedPOSTRequest
	}
	return p, nil
}

// parseDisposition reads form-data; name="key"; filename="a.jpg". A field of another disposition is
// a field all the same, but never the file.
func (p *part) parseDisposition(text string) bool {
	kind, rest, more := strings.Cut(text, ";")
	p.formData = strings.EqualFold(strings.Trim(kind, " \t"), "form-data")
	for more {
		var name, value string
		var ok bool
		name, rest, ok = strings.Cut(strings.TrimLeft(rest, " \t"), "=")
		if !ok || !isToken(name) {
			return false
		}
		if value, rest, ok = cutValue(rest); !ok {
			return false
		}
		switch rest = strings.TrimLeft(rest, " \t"); {
		case rest == "":
			more = false
		case rest[0] != ';':
			return false
		default:
			rest = rest[1:]
		}
		if !p.set(strings.ToLower(name), value) {
			return false
		}
	}
	return true
}

// set notes a parameter; false if it comes twice.
func (p *part) set(name, value string) bool {
	switch name {
	case "name":
		if p.name != "" {
			return false
		}
		p.name = strings.ToLower(value)
	case "filename":
		if p.named {
			return false
		}
		p.filename, p.named = value, true
	}
	return true
}

// cutValue splits a token or a quoted string off. A backslash is one, but before a quote: browsers
// send paths of Windows as they are.
func cutValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, "; \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], isToken(s[:end])
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// isToken: RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
