package sigv4

import (
	"bytes"
	"fmt"
)

// fields are the header fields that signing is about; nil if absent.
type fields struct {
	authorization, amzDate, date, sha256, decodedLength, token, trailer []byte
	awsChunked                                                          bool
}

// scanFields collects the fields. Those that must be unique are: what two readers of a head
// could see differently is refused.
// Error: ErrMalformedHeader.
func scanFields(header []Field) (f fields, err error) {
	for i := range header {
		name, value := header[i].Name, header[i].Value
		slot := f.slot(name)
		if slot == nil {
			continue
		}
		if *slot != nil && slot != &f.trailer {
			return f, fmt.Errorf("%w: %s given twice", ErrMalformedHeader, name)
		}
		*slot = bytes.Trim(value, " \t")
		if *slot == nil {
			*slot = []byte{} // empty must not look like absent
		}
	}
	f.awsChunked = hasAWSChunked(header)
	return f, nil
}

func (f *fields) slot(name []byte) *[]byte {
	switch len(name) {
	case len("date"):
		if equalFold(name, "date") {
			return &f.date
		}
	case len("x-amz-date"):
		if equalFold(name, "x-amz-date") {
			return &f.amzDate
		}
	case len("authorization"): // 13, as x-amz-trailer
		if equalFold(name, "authorization") {
			return &f.authorization
		}
		if equalFold(name, "x-amz-trailer") {
			return &f.trailer
		}
	case len("x-amz-content-sha256"): // 20, as x-amz-security-token
		if equalFold(name, "x-amz-content-sha256") {
			return &f.sha256
		}
		if equalFold(name, "x-amz-security-token") {
			return &f.token
		}
	case len("x-amz-decoded-content-length"):
		if equalFold(name, "x-amz-decoded-content-length") {
			return &f.decodedLength
		}
	}
	return nil
}

// hasAWSChunked reports whether a Content-Encoding names aws-chunked.
func hasAWSChunked(header []Field) bool {
	for i := range header {
		if !equalFold(header[i].Name, "content-encoding") {
			continue
		}
		for rest := header[i].Value; len(rest) > 0; {
			var coding []byte
			coding, rest, _ = bytes.Cut(rest, []byte{','})
			if equalFold(bytes.Trim(coding, " \t"), "aws-chunked") {
				return true
			}
		}
	}
	return false
}

// signedSet says which header fields of a request the signature covers.
type signedSet [fieldsMax / 64]uint64

// fieldsMax bounds the fields of a signed request; servers take far fewer.
const fieldsMax = 512

func (s *signedSet) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *signedSet) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }
