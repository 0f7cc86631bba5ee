package s3api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"sync/atomic"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/sigv4"
)

// body reads a payload through the hash of its ETag and the checksums somebody asked for; its seal
// compares them with the claims of the client.
type body struct {
	src    payload
	rq     *request
	claims claims
	size   int64 // -1: unknown
	etag   sum
	etags  *atomic.Uint64 // of the Handler
	md5    hash.Hash      // that of the ETag, or one of its own for Content-MD5; else nil
	sums   [2]sum         // the one that is stored; last the claimed one, if it is another
	sumN   int
}

// payload is where a body comes from: of a request (sigv4), or of the file of a form.
type payload interface {
	io.Reader
	// Finish returns nil if and only if all was read, and is what the client vouched for.
	Finish() error
	// Trailer returns a trailer by its name in lower case.
	Trailer(name string) (value string, ok bool)
}

var _ payload = (*sigv4.BodyReader)(nil)

type sum struct {
	algo algorithm
	hash hash.Hash
}

var _ io.Reader = (*body)(nil)

// openBody prepares the payload of rq without reading it. Stored is the checksum to compute
// in any case; noChecksum means the claimed one, CRC64NVME without a claim, as in S3. The
// caller calls close when nobody reads any more.
// Errors: InvalidDigest, InvalidRequest, MissingContentLength, EntityTooLarge.
func (h *Handler) openBody(rq *request, stored algorithm) (*body, error) {
	c, err := rq.claimsOf()
	if err != nil {
		return nil, err
	}
	src, err := rq.auth.Body(rq.ex, rq.ex.Request.ContentLength)
	if err != nil {
		return nil, err
	}
	switch size := src.Size(); {
	case size < 0:
		return nil, s3err.MissingContentLength
	case size > object.PutBytesMax:
		return nil, s3err.EntityTooLarge
	}
	b := h.newBody(rq, src, c, stored)
	b.size = src.Size()
	return b, nil
}

// newBody is openBody of a payload whose length is not known.
func (h *Handler) newBody(rq *request, src payload, c claims, stored algorithm) *body {
	b := &body{src: src, rq: rq, claims: c, size: -1, etags: &h.etags}
	if stored == noChecksum {
		if stored = c.algo; stored == noChecksum {
			stored = sumCRC64NVME
		}
	}
	b.openETag(h)
	b.add(h, stored)
	if c.algo != noChecksum && c.algo != stored {
		b.add(h, c.algo)
	}
	return b
}

// openETag takes the hash of the ETag, and MD5 beside it where the client claims one.
func (b *body) openETag(h *Handler) {
	b.etag = h.newETag()
	switch {
	case b.etag.algo == sumMD5:
		b.md5 = b.etag.hash
	case b.claims.hasMD5:
		b.md5 = h.hashes.get(sumMD5)
	}
}

// requireLength refuses an upload that says nothing about a body: in HTTP that is one of 0 bytes
// (RFC 9112, 6.3), but an object of 0 bytes is what a client asks for with a length of 0.
// Errors: MissingContentLength.
func (rq *request) requireLength() error {
	if rq.ex.Request.ContentLength != 0 {
		return nil // unknown ones are openBody's
	}
	if _, given := rq.ex.Request.Lookup("content-length"); !given {
		return s3err.MissingContentLength
	}
	return nil
}

// newETag is the hash of an entity tag.
func (h *Handler) newETag() sum {
	algo := sumMD5
	if h.config.ETag == ETagFast {
		algo = sumFast
	}
	return sum{algo, h.hashes.get(algo)}
}

func (b *body) add(h *Handler, a algorithm) {
	b.sums[b.sumN] = sum{a, h.hashes.get(a)}
	b.sumN++
}

func (b *body) close(h *Handler) {
	h.hashes.put(b.etag.algo, b.etag.hash)
	if b.md5 != nil && b.etag.algo != sumMD5 {
		h.hashes.put(sumMD5, b.md5)
	}
	for _, s := range b.sums[:b.sumN] {
		h.hashes.put(s.algo, s.hash)
	}
}

// Read reads payload; errors are those of sigv4 and netloop.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	if n > 0 {
		b.rq.in += int64(n)
		b.etag.hash.Write(p[:n])
		if b.md5 != nil && b.etag.algo != sumMD5 {
			b.md5.Write(p[:n])
		}
		for i := range b.sums[:b.sumN] {
			b.sums[i].hash.Write(p[:n])
		}
	}
	return n, err
}

// claimed returns the value of the claimed checksum, after a verify that succeeded.
func (b *body) claimed() string {
	var buf [sha256.Size]byte
	return base64.StdEncoding.EncodeToString(b.sums[b.sumN-1].hash.Sum(buf[:0]))
}

// verify compares the claims with what was read; called at the end of the payload.
// Errors: those of sigv4, BadDigest, MalformedTrailerError, InvalidRequest.
func (b *body) verify() error {
	if err := b.src.Finish(); err != nil {
		return err
	}
	var buf [sha256.Size]byte
	c := &b.claims
	if c.hasMD5 && [16]byte(b.md5.Sum(buf[:0])) != c.md5 {
		return s3err.BadDigest.With(
			"The Content-MD5 you specified did not match what we received.")
	}
	if c.algo == noChecksum {
		return nil
	}
	want := c.value
	if want == "" {
		var ok bool
		if want, ok = b.src.Trailer(c.algo.header()); !ok {
			return s3err.MalformedTrailerError
		}
		if !validSum(c.algo, want) {
			return s3err.InvalidRequest.With(
				"Value for " + c.algo.header() + " trailing header is invalid.")
		}
	}
	if b.claimed() != want {
		return s3err.BadDigest.With("The " + c.algo.String() +
			" you specified did not match the calculated checksum.")
	}
	return nil
}

// seal is the object.Seal of a PUT: it verifies and fills in ETag and checksum.
func (b *body) seal(info *object.Info) error {
	if err := b.verify(); err != nil {
		return err
	}
	info.ETag = b.etag.tag()
	b.etags.Add(1)
	info.Checksum = b.sums[0].checksum()
	return nil
}

// tag is the entity tag of what was hashed.
func (s *sum) tag() string {
	var buf [sha256.Size]byte
	tag := hex.EncodeToString(s.hash.Sum(buf[:0]))
	if s.algo == sumFast {
		tag += fastSuffix
	}
	return tag
}

// checksum is the additional checksum of what was hashed.
func (s *sum) checksum() object.Checksum {
	var buf [sha256.Size]byte
	return object.Checksum{Algorithm: s.algo.String(), Type: fullObject,
		Value: base64.StdEncoding.EncodeToString(s.hash.Sum(buf[:0]))}
}
