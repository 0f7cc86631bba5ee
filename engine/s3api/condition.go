package s3api

import (
	"strings"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

// checkConditions evaluates the preconditions of a GET or HEAD in the order of RFC 9110,
// 13.2.2, which is what S3 does. Dates that do not parse are ignored.
// Errors: PreconditionFailed, NotModified.
func (rq *request) checkConditions(info *object.Info) error {
	modified := info.ModTime.Truncate(time.Second) // what Last-Modified says
	if tags, ok := rq.header("if-match"); ok {
		if !matches(tags, info.ETag) {
			return s3err.PreconditionFailed.Detail("Condition", "If-Match")
		}
	} else if since, ok := rq.header("if-unmodified-since"); ok {
		if t, ok := parseHTTPTime(since); ok && modified.After(t) {
			return s3err.PreconditionFailed.Detail("Condition", "If-Unmodified-Since")
		}
	}
	if tags, ok := rq.header("if-none-match"); ok {
		if matches(tags, info.ETag) {
			return s3err.NotModified
		}
	} else if since, ok := rq.header("if-modified-since"); ok {
		if t, ok := parseHTTPTime(since); ok && !modified.After(t) {
			return s3err.NotModified
		}
	}
	return nil
}

// rangeApplies evaluates If-Range: a range is of use only to who has this very version.
func (rq *request) rangeApplies(info *object.Info) bool {
	value, ok := rq.header("if-range")
	if !ok {
		return true
	}
	if t, ok := parseHTTPTime(value); ok {
		return info.ModTime.Truncate(time.Second).Equal(t)
	}
	return value != "*" && matches(value, info.ETag)
}

// matches reports whether a list of entity tags holds etag. Like S3 it takes tags without
// quotes too; all tags of S3 are strong ones, so a weak one means the same bytes.
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		if tag = bareTag(tag); tag == object.AnyETag || tag == etag {
			return true
		}
	}
	return false
}

func bareTag(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}

// condition is what guards a write. A field that comes twice is one list (RFC 9110, 5.3).
func (rq *request) condition() (only object.Condition) {
	header := rq.ex.Request.Header
	for i := range header {
		list := &only.Match
		switch {
		case netloop.EqualFold(header[i].Name, "if-match"):
		case netloop.EqualFold(header[i].Name, "if-none-match"):
			list = &only.NoneMatch
		default:
			continue
		}
		for tag := range strings.SplitSeq(string(header[i].Value), ",") {
			*list = append(*list, bareTag(tag))
		}
	}
	return only
}
