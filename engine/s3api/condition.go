package s3api

import (
	"strings"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

// checkConditions evaluates the preconditions of a GET or HEAD.
// Errors: PreconditionFailed, NotModified.
func (rq *request) checkConditions(info *object.Info) error {
	switch rq.unmet(info, "if-match", "if-unmodified-since", "if-none-match", "if-modified-since") {
	case 1:
		return s3err.PreconditionFailed.Detail("Condition", "If-Match")
	case 2:
		return s3err.PreconditionFailed.Detail("Condition", "If-Unmodified-Since")
	case 3, 4:
		return s3err.NotModified
	}
	return nil
}

// checkSource evaluates the preconditions on what is copied. There is no 304: whatever does not
// hold forbids the copy (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
// Errors: PreconditionFailed.
func (rq *request) checkSource(info *object.Info) error {
	const prefix = "x-amz-copy-source-"
	names := [...]string{"", "If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since"}
	which := rq.unmet(info, prefix+"if-match", prefix+"if-unmodified-since",
		prefix+"if-none-match", prefix+"if-modified-since")
	if which == 0 {
		return nil
	}
	return s3err.PreconditionFailed.Detail("Condition", prefix+names[which])
}

// unmet evaluates four preconditions, given the names of their fields in the order of RFC 9110,
// 13.2.2, which is what S3 does, and returns the number of the first that does not hold, 0 if all
// do. Dates that do not parse are ignored.
func (rq *request) unmet(info *object.Info, match, unmodified, noneMatch, since string) int {
	modified := info.ModTime.Truncate(time.Second) // what Last-Modified says
	if tags, ok := rq.header(match); ok {
		if !matches(tags, info.ETag) {
			return 1
		}
	} else if date, ok := rq.header(unmodified); ok {
		if t, ok := parseHTTPTime(date); ok && modified.After(t) {
			return 2
		}
	}
	if tags, ok := rq.header(noneMatch); ok {
		if matches(tags, info.ETag) {
			return 3
		}
	} else if date, ok := rq.header(since); ok {
		if t, ok := parseHTTPTime(date); ok && !modified.After(t) {
			return 4
		}
	}
	return 0
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

// condition is what guards a write. A field that comes twice is one list (RFC 9110, 5.3). Of
// If-None-Match S3 knows only the one that wants nothing to be there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html). Errors: NotImplemented.
func (rq *request) condition() (only object.Condition, err error) {
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
	for _, tag := range only.NoneMatch {
		if tag != object.AnyETag {
			return only, s3err.NotImplemented.Detail("Header", "If-None-Match")
		}
	}
	return only, nil
}
