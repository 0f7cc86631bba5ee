package s3api

import (
	"io"

	"flashstore/engine/s3err"
)

// readDocument decodes the XML document that a request brings. Of some S3 wants a digest, so that
// what reached it is what was sent; to those it says of no document at all that it is malformed.
// Errors: those of openBody and decode, InvalidRequest, MissingRequestBodyError.
func readDocument[T any](h *Handler, rq *request, digest bool,
	decode func(io.Reader) (T, error)) (doc T, err error) {
	body, err := h.openBody(rq, noChecksum)
	if err != nil {
		return doc, err
	}
	defer body.close(h)
	switch {
	case digest && !body.claims.any():
		return doc, s3err.InvalidRequest.With(
			"Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	case !digest && body.size == 0:
		return doc, s3err.MissingRequestBodyError
	}
	if doc, err = decode(body); err != nil {
		return doc, err
	}
	return doc, body.verify()
}

// any reports whether something is claimed of the bytes.
func (c *claims) any() bool { return c.hasMD5 || c.algo != noChecksum }
