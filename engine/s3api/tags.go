package s3api

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// Limits of tags; lengths are in units of UTF-16, in which S3 keeps them
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html).
const (
	tagsMax     = 10
	tagKeyMax   = 128
	tagValueMax = 256
)

const taggingField = "x-amz-tagging"

// tagsOf reads x-amz-tagging. Errors: InvalidArgument, InvalidTag, BadRequest.
func (rq *request) tagsOf() ([]object.Pair, error) {
	field, given := rq.header(taggingField)
	if !given {
		return nil, nil
	}
	tags, ok := parseTagging(field)
	if !ok {
		return nil, s3err.InvalidArgument.With("The header '"+taggingField+"' shall be encoded as "+
			"UTF-8 then URLEncoded URL query parameters without tag name duplicates.").
			Detail("ArgumentName", taggingField).Detail("ArgumentValue", field)
	}
	return checkTags(tags)
}

// parseTagging decodes tags that are written like a query; "k" is "k=". It fails for escapes that
// are none, for what is not UTF-8, and where a key is empty or comes twice.
func parseTagging(field string) (tags []object.Pair, ok bool) {
	for part := range strings.SplitSeq(field, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		key, err := appendUnescaped(nil, []byte(name), true)
		if err != nil || len(key) == 0 || !utf8.Valid(key) {
			return nil, false
		}
		text, err := appendUnescaped(nil, []byte(value), true)
		if err != nil || !utf8.Valid(text) {
			return nil, false
		}
		tags = append(tags, object.Pair{Name: string(key), Value: string(text)})
	}
	return tags, !twice(tags)
}

// tagQuery is what parseTagging reads.
func tagQuery(tags []object.Pair) string {
	parts := make([]string, len(tags))
	for i, tag := range tags {
		parts[i] = url.QueryEscape(tag.Name) + "=" + url.QueryEscape(tag.Value)
	}
	return strings.Join(parts, "&")
}

// checkTags applies the rules of tags and puts them in order.
// Errors: BadRequest, InvalidTag.
func checkTags(tags []object.Pair) ([]object.Pair, error) {
	if len(tags) > tagsMax {
		return nil, s3err.BadRequest.With("Object tags cannot be greater than 10")
	}
	for _, tag := range tags {
		switch {
		case tag.Name == "" || !tagText(tag.Name, tagKeyMax):
			return nil, s3err.InvalidTag.With("The TagKey you have provided is invalid").
				Detail("TagKey", tag.Name)
		case !tagText(tag.Value, tagValueMax):
			return nil, s3err.InvalidTag.With("The TagValue you have provided is invalid").
				Detail("TagKey", tag.Name).Detail("TagValue", tag.Value)
		case strings.HasPrefix(tag.Name, "aws:"):
			return nil, s3err.InvalidTag.With("System tags cannot be added/updated by requester")
		}
	}
	if twice(tags) {
		return nil, s3err.InvalidTag.With("Cannot provide multiple Tags with the same key")
	}
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(a, b object.Pair) int { return strings.Compare(a.Name, b.Name) })
	return tags, nil
}

// twice reports whether two tags have one key.
func twice(tags []object.Pair) bool {
	seen := make(map[string]bool, len(tags))
	for _, tag := range tags {
		if seen[tag.Name] {
			return true
		}
		seen[tag.Name] = true
	}
	return false
}

// tagText accepts letters, digits and spaces of any script, and + - = . _ : / @.
func tagText(s string, unitsMax int) bool {
	units := 0
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Z, r) &&
			!strings.ContainsRune("+-=._:/@", r) {
			return false
		}
		units += utf16.RuneLen(r)
	}
	return units <= unitsMax
}
