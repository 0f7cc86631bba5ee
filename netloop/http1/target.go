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
	if !validHost(b[start:end]) {
		return ErrTarget
	}
	p.seen.absolute = true
	p.seen.authority = Span{target.Start + start, target.Start + end}
	p.head.Target = Span{target.Start + end, target.End}
	return nil
}
