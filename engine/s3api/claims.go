package s3api

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"strings"

	"flashstore/engine/s3err"
)

// claims is what a request says about the bytes of its body.
type claims struct {
	md5    [md5.Size]byte // Content-MD5
	hasMD5 bool
	algo   algorithm // of the additional checksum, noChecksum without one
	value  string    // its base64 value; "" while it is to come in the trailer
}

// claimsOf reads Content-MD5, x-amz-checksum-* and x-amz-trailer
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
// Errors: InvalidDigest, InvalidRequest.
func (rq *request) claimsOf() (claims, error) {
	var c claims
	if text, ok := rq.header("content-md5"); ok {
		if !decodeInto(c.md5[:], text) {
			return c, s3err.InvalidDigest
		}
		c.hasMD5 = true
	}
	for _, a := range checksums {
		value, ok := rq.header(a.header())
		if !ok {
			continue
		}
		if c.algo != noChecksum {
			return c, s3err.InvalidRequest.With(
				"Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.")
		}
		c.algo, c.value = a, value
		if rq.op == OpCompleteMultipartUpload {
			value, _, _ = strings.Cut(value, "-") // a composite one ends in -N
		}
		if !validSum(a, value) {
			return c, s3err.InvalidRequest.With("Value for " + a.header() + " header is invalid.")
		}
	}
	if err := rq.trailerClaim(&c); err != nil {
		return c, err
	}
	return c, rq.announcedClaim(&c)
}

// trailerClaim looks for a checksum among the announced trailers.
func (rq *request) trailerClaim(c *claims) error {
	for i := range rq.ex.Request.Header {
		f := &rq.ex.Request.Header[i]
		if !bytes.EqualFold(f.Name, []byte("x-amz-trailer")) {
			continue
		}
		for name := range strings.SplitSeq(string(f.Value), ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			a, ok := algorithmOf(strings.TrimPrefix(name, "x-amz-checksum-"))
			if !ok {
				return s3err.InvalidRequest.With(
					"The value specified in the x-amz-trailer header is not supported.")
			}
			if c.algo != noChecksum {
				return s3err.InvalidRequest.With(
					"Expecting a single x-amz-checksum- header or trailer.")
			}
			c.algo = a
		}
	}
	return nil
}

// announcedClaim checks x-amz-sdk-checksum-algorithm, which promises one of the others.
func (rq *request) announcedClaim(c *claims) error {
	name, ok := rq.header("x-amz-sdk-checksum-algorithm")
	if !ok || rq.op == OpCompleteMultipartUpload {
		return nil
	}
	a, known := algorithmOf(name)
	switch {
	case !known:
		return s3err.InvalidRequest.With("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	case c.algo == noChecksum && !c.hasMD5:
		return s3err.InvalidRequest.With("x-amz-sdk-checksum-algorithm specified, but no " +
			"corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case c.algo != noChecksum && c.algo != a:
		return s3err.InvalidRequest.With("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

// validSum reports whether value is the base64 of a checksum of a.
func validSum(a algorithm, value string) bool {
	var buf [64]byte
	return decodeInto(buf[:a.size()], value)
}

// decodeInto decodes strict base64 that is exactly as long as dst.
func decodeInto(dst []byte, text string) bool {
	if base64.StdEncoding.EncodedLen(len(dst)) != len(text) {
		return false
	}
	var buf [96]byte
	n, err := base64.StdEncoding.Strict().Decode(buf[:], view(text))
	if err != nil || n != len(dst) {
		return false
	}
	copy(dst, buf[:n])
	return true
}
