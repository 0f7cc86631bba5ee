package s3api

import (
	"bytes"
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf8"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

// newObject reads what a new object is to have beside its bytes.
// Errors: those of storedFields, lockOf and tagsOf.
func (h *Handler) newObject(rq *request) (fields []object.Pair, a object.Attributes, err error) {
	if fields, err = rq.storedFields(); err != nil {
		return nil, a, err
	}
	if a, err = h.lockOf(rq); err != nil {
		return nil, a, err
	}
	a.Tags, err = rq.tagsOf()
	return fields, a, err
}

// storedFields collects what a PUT, a copy or a multipart upload keeps of its request.
// Errors: MetadataTooLarge, InvalidRedirectLocation; of what stands in a URL, where anything can,
// InvalidURI and InvalidArgument.
func (rq *request) storedFields() ([]object.Pair, error) {
	var s storedSet
	header := rq.ex.Request.Header
	for i := range header {
		if err := s.add(header[i].Name, header[i].Value); err != nil {
			return nil, err
		}
	}
	if !rq.auth.Presigned {
		return s.pairs, nil
	}
	for query := rq.ex.Request.Query; len(query) > 0; {
		var name, raw []byte
		name, raw, query = nextParam(query)
		if !hasPrefixFold(name, amz) {
			continue
		}
		value, err := appendUnescaped(nil, raw, true)
		switch {
		case err != nil:
			return nil, err
		case !isToken(name):
			return nil, s3err.InvalidArgument.Detail("ArgumentName", string(name))
		case !hasPrefixFold(name, metaPrefix) && control(value): // meta is made safe
			return nil, errHeaderValue(name)
		}
		if err := s.add(name, value); err != nil {
			return nil, err
		}
	}
	return s.pairs, nil
}

// storedSet are fields to be stored.
type storedSet struct {
	pairs     []object.Pair
	metaBytes int // of names and values, as S3 counts them
}

// add takes a field that is one of those that are stored.
func (s *storedSet) add(name, value []byte) error {
	switch {
	case hasPrefixFold(name, metaPrefix):
		plain := plainText(string(value))
		s.metaBytes += len(name) - len(metaPrefix) + len(plain)
		if s.metaBytes > object.UserMetaBytes {
			return s3err.MetadataTooLarge
		}
		s.join(string(bytes.ToLower(name)), mailSafe(plain))
	case netloop.EqualFold(name, object.ClassField):
		if string(value) != string(object.Standard) {
			s.join(object.ClassField, string(value))
		}
	case netloop.EqualFold(name, object.RedirectField):
		if !redirects(string(value)) {
			return s3err.InvalidRedirectLocation
		}
		s.join(object.RedirectField, string(value))
	case netloop.EqualFold(name, "content-encoding"):
		s.join("content-encoding", withoutChunked(string(value)))
	default:
		if known := standardField(name); known != "" {
			s.join(known, string(value))
		}
	}
	return nil
}

// join joins a field that came twice with a comma, as HTTP allows everybody to.
func (s *storedSet) join(name, value string) {
	for i := range s.pairs {
		if s.pairs[i].Name == name {
			s.pairs[i].Value += "," + value
			return
		}
	}
	if value == "" && name[0] != 'x' {
		return
	}
	s.pairs = append(s.pairs, object.Pair{Name: name, Value: value})
}

// plainText decodes a value of user metadata, and mailSafe encodes it, by RFC 2047, as S3 does
// before it stores and before it shows one. Raw bytes past ASCII are characters of ISO 8859-1 to
// S3, whatever the client meant
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata).
func plainText(value string) string {
	if strings.Contains(value, "=?") {
		var words mime.WordDecoder
		if text, err := words.DecodeHeader(value); err == nil {
			return text
		}
	}
	if ascii(value) {
		return value
	}
	text := make([]byte, 0, 2*len(value))
	for i := range len(value) {
		text = utf8.AppendRune(text, rune(value[i]))
	}
	return string(text)
}

func mailSafe(text string) string {
	if ascii(text) {
		return text
	}
	return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}

// isToken reports whether name can be the name of a field (RFC 9110, 5.6.2).
func isToken(name []byte) bool {
	for _, c := range name {
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}

// control reports whether value cannot be that of a field (RFC 9110, 5.5).
func control(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7F {
			return true
		}
	}
	return false
}

func errHeaderValue(name []byte) error {
	return s3err.InvalidArgument.With("Header value cannot be represented.").
		Detail("ArgumentName", string(name))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// redirects reports whether a web site can send somebody there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#AmazonS3-PutObject-request-header-WebsiteRedirectLocation).
func redirects(location string) bool {
	return strings.HasPrefix(location, "/") || strings.HasPrefix(location, "http://") ||
		strings.HasPrefix(location, "https://")
}

// standardField returns the name under which a field of HTTP is stored; "" if it is not.
func standardField(name []byte) string {
	for _, known := range [...]string{"content-type", "cache-control", "content-disposition",
		"content-encoding", "content-language", "expires"} {
		if netloop.EqualFold(name, known) {
			return known
		}
	}
	return ""
}

// withoutChunked takes aws-chunked, which is framing and not content, out of a
// Content-Encoding; one without it stays as it is.
func withoutChunked(value string) string {
	if !strings.Contains(strings.ToLower(value), "aws-chunked") {
		return value
	}
	kept := []byte(nil)
	for coding := range bytes.SplitSeq([]byte(value), []byte{','}) {
		coding = bytes.TrimSpace(coding)
		if len(coding) == 0 || netloop.EqualFold(coding, "aws-chunked") {
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, ',')
		}
		kept = append(kept, coding...)
	}
	return string(kept)
}
