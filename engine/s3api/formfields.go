package s3api

import (
	"mime"
	"strings"

	"flashstore/engine/s3api/form"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

// takeFields puts the fields of a form in the place of the request's header: "Parameters that are
// passed to PUT through HTTP headers are instead passed as form fields to POST", and mean the same.
// What the head itself says of an object is refused: nobody signed it.
// Errors: InvalidRequest, InvalidArgument, NotImplemented, those of checkFields.
func (rq *request) takeFields(f *form.Form, config *Config) error {
	for i := range rq.ex.Request.Header {
		if !formHeader(rq.ex.Request.Header[i].Name) {
			return s3err.InvalidRequest.With(
				"Conflicting values provided in HTTP headers and POST form fields.")
		}
	}
	var header []netloop.Field
	for i := range f.Fields {
		name, value, known := formField(&f.Fields[i])
		switch {
		case !known:
			return s3err.NotImplemented.Detail("Header", f.Fields[i].Name)
		case name == "":
			continue
		case !isToken(view(name)), control(view(value)): // no header could have brought it
			return errHeaderValue(view(f.Fields[i].Name))
		}
		header = append(header, netloop.Field{Name: view(name), Value: view(value)})
	}
	rq.ex.Request.Header = header
	return rq.checkFields(config)
}

// formHeader reports whether the head of a form may have a field: any of HTTP's, and those of S3's
// that say nothing about the object. Conditions are looked at elsewhere.
func formHeader(name []byte) bool {
	if !hasPrefixFold(name, amz) {
		return !netloop.EqualFold(name, "content-md5") // of what, the form or the file?
	}
	for _, harmless := range [...]string{"x-amz-date", "x-amz-content-sha256", "x-amz-user-agent",
		"x-amz-request-payer", "x-amz-expected-bucket-owner"} {
		if netloop.EqualFold(name, harmless) {
			return true
		}
	}
	return false
}

// formField returns the header field that a field of a form stands for; "" if it is none. What S3
// has no field for, and the policy allows, is ignored; a field of S3's must be known.
func formField(f *form.Field) (name, value string, known bool) {
	switch f.Name {
	case "cache-control", "content-type", "content-disposition", "content-encoding", "expires",
		"content-md5", "x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-acl",
		"x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme",
		"x-amz-checksum-sha1", "x-amz-checksum-sha256", "x-amz-object-lock-mode",
		"x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold":
		return f.Name, f.Value, true
	case "acl":
		return "x-amz-acl", f.Value, true
	case "x-amz-checksum-algorithm": // here it must have its value beside it
		return "x-amz-sdk-checksum-algorithm", f.Value, true
	case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature",
		"tagging": // see formAttributes
		return "", "", true
	}
	switch {
	case strings.HasPrefix(f.Name, metaPrefix):
		return f.Name, mimeWords(f.Value), true
	case strings.HasPrefix(f.Name, amz):
		return "", "", false
	}
	return "", "", true
}

// mimeWords encodes what no header field could carry (RFC 2047), as S3 does with user metadata.
func mimeWords(value string) string {
	if control(view(value)) {
		return mime.BEncoding.Encode("UTF-8", value)
	}
	return mime.QEncoding.Encode("UTF-8", value)
}
