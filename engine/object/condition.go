package object

import (
	"fmt"
	"slices"
)

// AnyETag stands for every entity tag in a Condition.
const AnyETag = "*"

// Condition guards a change: it is made only if the state of its key, at the moment of the change,
// meets both lists (RFC 9110, 13.1.1 and 13.1.2;
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). A change whose
// condition does not hold leaves nothing behind. The zero value guards nothing.
//
// Note: S3 answers 409 where a change raced another one. Here the condition is looked at and the
// change committed under one lock, so that there is always an answer, or nobody knows the state and
// the answer is ErrUnavailable.
type Condition struct {
	// Match are entity tags without quotes; the object must be there and have one of them, or any
	// where AnyETag is among them. nil: no condition.
	Match []string
	// NoneMatch are entity tags that the object must not have; with AnyETag it must not be there.
	NoneMatch []string
}

// None reports whether c guards nothing.
func (c *Condition) None() bool { return c.Match == nil && c.NoneMatch == nil }

// Check reports why c does not hold of an object with an entity tag, or of none where there is no
// object. Errors: ErrNoSuchKey, ErrIfMatch, ErrIfNoneMatch.
func (c *Condition) Check(there bool, etag string) error {
	if c.Match != nil && !there {
		return fmt.Errorf("%w: If-Match", ErrNoSuchKey)
	}
	if c.Match != nil && !has(c.Match, etag) {
		return fmt.Errorf("%w: %s", ErrIfMatch, etag)
	}
	if there && has(c.NoneMatch, etag) {
		return fmt.Errorf("%w: %s", ErrIfNoneMatch, etag)
	}
	return nil
}

func has(tags []string, etag string) bool {
	return slices.Contains(tags, etag) || slices.Contains(tags, AnyETag)
}
