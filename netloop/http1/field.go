package http1

import (
	"bytes"
	"math"
)

// parseField reads one field line and what it means for the framing.
func (p *Parser) parseField(buf []byte, line Span) error {
	b := line.Of(buf)
	if b[0] == ' ' || b[0] == '\t' {
		return ErrFold
	}
	colon := bytes.IndexByte(b, ':')
	if colon < 0 || !allToken(b[:colon]) {
		return ErrFieldName
	}
	value := trim(b[colon+1:])
	if !allFieldBytes(value) {
		return ErrFieldValue
	}
	if len(p.fields) == p.limits.Fields {
		return ErrFieldCount
	}
	at := Span{line.Start + colon + 1, line.Start + colon + 1}
	if len(value) > 0 {
		at.Start += bytes.IndexByte(b[colon+1:], value[0])
		at.End = at.Start + len(value)
	}
	p.fields = append(p.fields, fieldSpan{uint32(line.Start), uint32(line.Start + colon),
		uint32(at.Start), uint32(at.End)})
	return p.interpret(b[:colon], value, at)
}

// interpret acts on the fields that frame the message or manage the connection.
func (p *Parser) interpret(name, value []byte, at Span) error {
	switch len(name) {
	case len("host"):
		if equalFold(name, "host") {
			p.seen.hosts++
			p.head.Host = at
			if p.seen.hosts > 1 || !validHost(value) {
				return ErrHost
			}
		}
	case len("expect"):
		if equalFold(name, "expect") {
			if equalFold(value, "100-continue") {
				p.head.Continue = true
			} else {
				p.seen.expectOther = true
			}
		}
	case len("connection"):
		if equalFold(name, "connection") {
			p.connection(value)
		}
	case len("content-length"):
		if equalFold(name, "content-length") {
			p.seen.lengths++
			length, ok := parseLength(value)
			if !ok || p.seen.lengths > 1 {
				return ErrContentLength
			}
			p.seen.length = length
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			p.seen.codings++
			if p.seen.codings > 1 {
				return ErrEncoding
			}
			err := checkCoding(value)
			if err == ErrCoding { // unless something worse is found
				p.seen.codingOther = true
				return nil
			}
			return err
		}
	}
	return nil
}

func (p *Parser) connection(value []byte) {
	for len(value) > 0 {
		var option []byte
		option, value, _ = bytes.Cut(value, []byte(","))
		option = trim(option)
		p.seen.close = p.seen.close || equalFold(option, "close")
		p.seen.keep = p.seen.keep || equalFold(option, "keep-alive")
	}
}

// parseLength accepts digits alone, up to 2^63-1.
func parseLength(value []byte) (int64, bool) {
	var length int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		digit := int64(c - '0')
		if length > (math.MaxInt64-digit)/10 {
			return 0, false
		}
		length = length*10 + digit
	}
	return length, len(value) > 0
}

// checkCoding accepts "chunked" and nothing else. What is a well-formed list of other codings
// is not implemented; whatever a lenient peer might take for chunked is malformed.
func checkCoding(value []byte) error {
	if equalFold(value, "chunked") {
		return nil
	}
	codings, chunkedAt := 0, -1
	for rest, more := value, true; more; codings++ {
		var coding []byte
		coding, rest, more = bytes.Cut(rest, []byte(","))
		coding = trim(coding)
		if !allToken(coding) || equalFold(coding, "identity") || chunkedAt >= 0 {
			return ErrEncoding
		}
		if equalFold(coding, "chunked") {
			chunkedAt = codings
		} else if containsChunked(coding) {
			return ErrEncoding
		}
	}
	return ErrCoding
}

// containsChunked finds what was made to look like the one coding that matters.
func containsChunked(coding []byte) bool {
	const word = "chunked"
	for i := 0; i+len(word) <= len(coding); i++ {
		if equalFold(coding[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// finish decides what the fields together mean, once the head is complete.
func (p *Parser) finish(buf []byte) error {
	h, s := &p.head, &p.seen
	if s.hosts == 0 && h.Minor > 0 {
		return ErrHost
	}
	if s.absolute {
		if s.hosts > 0 && !bytes.EqualFold(s.authority.Of(buf), h.Host.Of(buf)) {
			return ErrHost
		}
		h.Host = s.authority
	}
	if s.codings > 0 {
		if s.lengths > 0 {
			return ErrLengthAndCodec
		}
		if h.Minor == 0 {
			return ErrEncoding
		}
		if s.codingOther {
			return ErrCoding
		}
		h.Chunked = true
		h.ContentLength = -1
	} else {
		h.ContentLength = s.length
	}
	if s.expectOther {
		return ErrExpect
	}
	h.Continue = h.Continue && h.Minor > 0 // RFC 9110 section 10.1.1: else to be ignored
	h.KeepAlive = !s.close && (h.Minor > 0 || s.keep)
	return nil
}
