package sigv4

import (
	"bytes"
	"fmt"
	"strconv"
)

// appendCanonicalRequest appends the text whose hash is signed:
//
//	method \n path \n query \n header fields \n \n names of signed fields \n payload
//
// Errors: ErrURI, ErrSignature (a signed field is absent), ErrUnsignedHeader, c.malformed().
func appendCanonicalRequest(dst []byte, r *Request, q *query, c *claim) ([]byte, error) {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst, ok := appendPath(dst, r.Path)
	if !ok {
		return dst, fmt.Errorf("%w in the path", ErrURI)
	}
	dst = append(dst, '\n')
	dst = q.appendCanonical(dst)
	dst = append(dst, '\n')
	dst, err := appendHeaders(dst, r, c)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '\n')
	dst = append(dst, c.signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, c.payload...), nil
}

// appendHeaders appends a line for each name in c.signedHeaders, which must be in lower case
// and in strictly rising order, and checks that what must be signed is.
func appendHeaders(dst []byte, r *Request, c *claim) ([]byte, error) {
	if len(r.Header) > fieldsMax {
		return dst, fmt.Errorf("%w: over %d header fields", c.malformed(), fieldsMax)
	}
	var signed signedSet
	var last []byte
	hostSigned := false
	for names, more := c.signedHeaders, true; more; {
		var name []byte
		name, names, more = bytes.Cut(names, []byte{';'})
		if !isFieldName(name) || bytes.Compare(last, name) >= 0 {
			return dst, fmt.Errorf("%w: SignedHeaders not in lower case and order", c.malformed())
		}
		last = name
		dst = append(dst, name...)
		dst = append(dst, ':')
		if string(name) == "host" {
			hostSigned = true
			dst = append(dst, r.Host...)
			dst = append(dst, '\n')
			continue
		}
		var found bool
		dst, found = appendField(dst, r, name, &signed)
		if !found {
			return dst, fmt.Errorf("%w: signed header %s is absent", ErrSignature, string(name))
		}
		dst = append(dst, '\n')
	}
	if !hostSigned {
		return dst, fmt.Errorf("%w: host", ErrUnsignedHeader)
	}
	for i := range r.Header {
		if name := r.Header[i].Name; !signed.has(i) && mustBeSigned(name, c.presigned) {
			return dst, fmt.Errorf("%w: %s", ErrUnsignedHeader, name)
		}
	}
	return dst, nil
}

// mustBeSigned reports whether S3 refuses a request that has this field unsigned. Beside an
// Authorization header x-amz-content-sha256 is signed through the canonical request's last line.
func mustBeSigned(name []byte, presigned bool) bool {
	if len(name) < len("x-amz-") || !equalFold(name[:len("x-amz-")], "x-amz-") {
		return false
	}
	return presigned || !equalFold(name, "x-amz-content-sha256")
}

// appendField appends the values of all fields of a name, joined by commas, and notes them.
func appendField(dst []byte, r *Request, name []byte, signed *signedSet) ([]byte, bool) {
	found := false
	for i := range r.Header {
		f := &r.Header[i]
		if len(f.Name) != len(name) || !equalLower(f.Name, name) {
			continue
		}
		if found {
			dst = append(dst, ',')
		}
		found = true
		signed.add(i)
		dst = appendValue(dst, f.Value)
	}
	// Servers that give the length apart take the field away.
	if !found && string(name) == "content-length" && r.ContentLength >= 0 {
		return strconv.AppendInt(dst, r.ContentLength, 10), true
	}
	return dst, found
}

// appendValue appends a field value without white space around it and with one space for
// several inside. Tabs inside stay, as the AWS SDKs have it.
func appendValue(dst, value []byte) []byte {
	value = bytes.Trim(value, " \t")
	for {
		i := bytes.Index(value, []byte("  "))
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i+1]...)
		value = bytes.TrimLeft(value[i:], " ")
	}
}

func isFieldName(s []byte) bool {
	for _, c := range s {
		if !isToken[c] {
			return false
		}
	}
	return len(s) > 0
}

// equalLower reports whether a field name is lower but for its case. The lengths are equal.
func equalLower(name, lower []byte) bool {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
