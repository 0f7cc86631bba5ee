package http1

import "bytes"

// parseTarget accepts the origin-form, the absolute-form of http and https, and "*" for
// OPTIONS (RFC 9112 section 3.2). There is no tunnel, so no authority-form.
func (p *Parser) parseTarget(buf []byte, target Span) error {
	b := target.Of(buf)
	if !allVisible(b) || len(b) == 0 {
		return ErrTarget
	}
	if b[0] == '/' || len(b) == 1 && b[0] == '*' && string(p.head.Method.Of(buf)) == "OPTIONS" {
		p.head.Target = target
		return nil
	}
	scheme := bytes.Index(b, []byte("://"))
	if scheme < 0 || !equalFold(b[:scheme], "http") && !equalFold(b[:scheme], "https") {
		return ErrTarget
	}
	start := scheme + len("://")
	end := start + len(b[start:])
	if i := bytes.IndexAny(b[start:], "/?"); i >= 0 {
		end = start + i
	}
	if end < len(b) && b[end] == '?' {
		return ErrTarget // without a path; every client normalises that to "/?"
	}
	if start == end || !validHost(b[start:end]) {
		return ErrTarget
	}
	p.seen.absolute = true
	p.seen.authority = Span{target.Start + start, target.Start + end}
	p.head.Target = Span{target.Start + end, target.End}
	return nil
}

// validHost accepts host [":" port] of RFC 3986 without userinfo and without comma, which is
// legal there but splits lists elsewhere. An empty host is legal.
func validHost(b []byte) bool {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 2 {
			return false
		}
		for _, c := range b[1:end] {
			if !isHexDigit(c) && c != ':' && c != '.' && c != '%' {
				return false
			}
		}
		return validPort(b[end+1:])
	}
	colon := bytes.IndexByte(b, ':')
	if colon < 0 {
		colon = len(b)
	}
	for _, c := range b[:colon] {
		if !isHostByte(c) {
			return false
		}
	}
	return validPort(b[colon:])
}

func validPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) > len(":65535") {
		return false
	}
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isHostByte: unreserved, sub-delims without comma, and the '%' of an escape.
func isHostByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("-._~!$&'()*+;=%"), c) >= 0
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
