package sigv4

import (
	"bytes"
	"fmt"
	"slices"
)

// query is a parsed query: canonical text and where its parameters lie in it.
type query struct {
	text   []byte
	params []param
}

// param is one parameter, as offsets in the text: name, then value.
type param struct{ start, nameEnd, end uint32 }

func (q *query) name(p param) []byte  { return q.text[p.start:p.nameEnd] }
func (q *query) value(p param) []byte { return q.text[p.nameEnd:p.end] }

// parse reads a query as sent and sorts it by name, then by value, both escaped. The slices
// of q are reused.
// Error: ErrURI.
func (q *query) parse(raw []byte) error {
	for len(raw) > 0 {
		part, rest, _ := bytes.Cut(raw, []byte{'&'})
		raw = rest
		if len(part) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(part, []byte{'='})
		var p param
		var okName, okValue bool
		p.start = uint32(len(q.text))
		q.text, okName = appendQueryPart(q.text, name)
		p.nameEnd = uint32(len(q.text))
		q.text, okValue = appendQueryPart(q.text, value)
		p.end = uint32(len(q.text))
		if !okName || !okValue {
			return fmt.Errorf("%w in the query", ErrURI)
		}
		q.params = append(q.params, p)
	}
	slices.SortFunc(q.params, func(a, b param) int {
		if c := bytes.Compare(q.name(a), q.name(b)); c != 0 {
			return c
		}
		return bytes.Compare(q.value(a), q.value(b))
	})
	return nil
}

// appendCanonical appends the canonical query. X-Amz-Signature, which cannot sign itself, is
// left out.
func (q *query) appendCanonical(dst []byte) []byte {
	mark := len(dst)
	for _, p := range q.params {
		if string(q.name(p)) == "X-Amz-Signature" {
			continue
		}
		if len(dst) > mark {
			dst = append(dst, '&')
		}
		dst = append(dst, q.name(p)...)
		dst = append(dst, '=')
		dst = append(dst, q.value(p)...)
	}
	return dst
}

// authParam numbers the authentication parameters of a presigned URL.
type authParam int

const (
	paramAlgorithm authParam = iota
	paramCredential
	paramDate
	paramExpires
	paramSignedHeaders
	paramSignature
	paramToken
	paramSHA256 // not a credential by itself
	paramCount
)

var authParamNames = [paramCount]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
	"X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
}

// presignParams are the authentication parameters of a query, in canonical text; nil if absent.
type presignParams struct {
	value [paramCount][]byte
	v2    bool // there are parameters of Signature Version 2
}

// present reports whether the query has anything of a presigned URL.
func (c *presignParams) present() bool {
	for _, v := range c.value[:paramSHA256] {
		if v != nil {
			return true
		}
	}
	return false
}

// presignParams collects the authentication parameters. No X-Amz-* parameter may be given twice.
// An authentication parameter in another case is refused: S3 does not know it, but something
// behind us might.
// Error: ErrMalformedQuery.
func (q *query) presignParams() (c presignParams, err error) {
	for i, p := range q.params {
		name := q.name(p)
		if string(name) == "AWSAccessKeyId" || string(name) == "Signature" {
			c.v2 = true
		}
		if len(name) < len("x-amz-") || !equalFold(name[:len("x-amz-")], "x-amz-") {
			continue
		}
		if i > 0 && bytes.Equal(name, q.name(q.params[i-1])) {
			return c, fmt.Errorf("%w: %q given twice", ErrMalformedQuery, string(name))
		}
		for n, known := range authParamNames {
			if !equalFold(name, known) {
				continue
			}
			if string(name) != known {
				return c, fmt.Errorf("%w: %q should be %s", ErrMalformedQuery, string(name), known)
			}
			c.value[n] = q.value(p)
		}
	}
	return c, nil
}

// equalFold reports whether a and b are equal but for the case of ASCII letters.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && (c|0x20 != b[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
