package object

import (
	"context"
	"io"
	"slices"
)

// Copy is an object to be made of a version of another one, or of itself
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
type Copy struct {
	Source Ref
	// SourceIf guards the copy: the version that is copied meets it.
	SourceIf Condition
	Bucket   BucketName
	Key      Key
	// Headers are those of the copy with Replace; else it has the source's. Its class is Class
	// either way, as in S3 ("": Standard), and its redirect Redirect ("": none).
	Replace  bool
	Headers  []Pair
	Class    Class
	Redirect string
	// Tags are those of the copy with ReplaceTags; else it has the source's. Retention and LegalHold
	// are its own either way.
	ReplaceTags bool
	Tags        []Pair
	Retention   Retention
	LegalHold   LegalHold
	// Sums is called with the version that is to be copied, before anything is read. What it returns
	// is given the whole body as it passes (nil: nothing is), and seal then fills in ETag and
	// Checksum, those of the source or new ones: the copy is an object of no parts, whatever the
	// source is. An error is returned unchanged, and nothing is stored. nil: as a Put without Seal.
	Sums func(source Info) (body io.Writer, seal Seal, err error)
	// If guards the object that is made, at the moment when it is made.
	If Condition
}

// Put is what c stores of an open source. Errors: those of SourceIf and Sums.
func (c *Copy) Put(ctx context.Context, source Handle) (*Put, error) {
	from := source.Info()
	if err := c.SourceIf.Check(true, from.ETag); err != nil {
		return nil, err
	}
	body := NewReader(ctx, source)
	p := &Put{Bucket: c.Bucket, Key: c.Key, SizeBytes: from.SizeBytes, Headers: c.headers(from),
		Attributes: c.attributes(&from), Body: body, If: c.If}
	if c.Sums == nil {
		return p, nil
	}
	sums, seal, err := c.Sums(from)
	if p.Seal = seal; sums != nil {
		p.Body = io.TeeReader(body, sums)
	}
	return p, err
}

func (c *Copy) attributes(from *Info) Attributes {
	a := Attributes{Tags: from.Attributes.Tags, Retention: c.Retention, LegalHold: c.LegalHold}
	if c.ReplaceTags {
		a.Tags = c.Tags
	}
	return a
}

func (c *Copy) headers(from Info) []Pair {
	headers := from.Headers
	if c.Replace {
		headers = c.Headers
	}
	headers = slices.DeleteFunc(slices.Clone(headers), func(p Pair) bool {
		return p.Name == ClassField || p.Name == RedirectField
	})
	if c.Redirect != "" {
		headers = append(headers, Pair{RedirectField, c.Redirect})
	}
	if c.Class != "" && c.Class != Standard {
		headers = append(headers, Pair{ClassField, string(c.Class)})
	}
	return headers
}
