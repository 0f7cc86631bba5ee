package sigv4

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// BodyReader reads the decoded payload of one request and verifies it on the way. Bytes may be
// handed out before they are verified, but never the last one, nor io.EOF: whoever got Size
// bytes or io.EOF holds what was signed. Whoever expects no bytes calls Finish.
// It is not safe for concurrent use.
type BodyReader struct {
	src  io.Reader
	size int64 // of the payload, -1 if unknown
	got  int64 // bytes of payload read
	err  error // final; io.EOF once everything is verified

	hash     hash.Hash // of the payload, or of the current chunk; nil if nobody asks
	want     [sha256.Size]byte
	chunked  *chunkReader // nil if the body is not aws-chunked
	trailers []trailer    // announced, then filled
}

// Body returns the reader of the payload. src is the body as sent (after any HTTP chunked
// framing), contentLength its length in bytes or -1. The Result must outlive the reader.
// Errors: ErrTrailer (x-amz-trailer is malformed), ErrPayloadMode.
func (r *Result) Body(src io.Reader, contentLength int64) (*BodyReader, error) {
	b := &BodyReader{src: src, size: contentLength}
	switch r.Payload {
	case PayloadNone, PayloadUnsigned:
		return b, nil
	case PayloadSigned:
		b.hash, b.want = sha256.New(), r.PayloadSHA256
		return b, nil
	case StreamingSigned, StreamingSignedTrailer:
		b.hash = sha256.New()
	case StreamingUnsignedTrailer:
	default:
		return nil, fmt.Errorf("%w: %d", ErrPayloadMode, r.Payload)
	}
	var err error
	if b.trailers, err = announcedTrailers(r.header); err != nil {
		return nil, err
	}
	b.size = r.DecodedLength
	b.chunked = &chunkReader{result: r, src: src, left: contentLength, prev: r.seed}
	return b, nil
}

// Size returns the length of the payload in bytes, -1 if it is unknown.
func (b *BodyReader) Size() int64 { return b.size }

// Trailer returns a trailer that x-amz-trailer announced; name is in lower case. There are none
// before the end of the payload.
func (b *BodyReader) Trailer(name string) (string, bool) {
	if b.err != io.EOF {
		return "", false
	}
	for i := range b.trailers {
		if b.trailers[i].name == name {
			return b.trailers[i].value, true
		}
	}
	return "", false
}

// Finish returns nil if and only if the whole payload was read and verified. It reads what
// comes after the last byte, which matters for an empty payload.
func (b *BodyReader) Finish() error {
	if b.err == nil {
		var one [1]byte
		if n, _ := b.Read(one[:]); n > 0 {
			return fmt.Errorf("%w: the payload was not read to its end", ErrIncompleteBody)
		}
	}
	if b.err == io.EOF {
		return nil
	}
	if b.err == nil {
		return io.ErrNoProgress
	}
	return b.err
}

// Read reads payload straight into p. Errors: the second block of errors.go, those of the
// source.
func (b *BodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	var n int
	if b.chunked != nil {
		n, b.err = b.readChunked(p)
	} else {
		n, b.err = b.readPlain(p)
	}
	if b.err != nil && b.err != io.EOF {
		return 0, b.err // what was read in this call is not vouched for
	}
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

// readPlain returns io.EOF with the last bytes once they are verified.
func (b *BodyReader) readPlain(p []byte) (int, error) {
	if b.size >= 0 {
		p = p[:min(int64(len(p)), b.size-b.got)]
	}
	var n int
	var err error
	if len(p) > 0 {
		n, err = b.src.Read(p)
		b.take(p[:n])
	}
	atEnd := err == io.EOF
	switch {
	case b.got == b.size:
	case atEnd && b.size >= 0:
		return 0, fmt.Errorf("%w: %d of %d bytes", ErrIncompleteBody, b.got, b.size)
	case atEnd:
		b.size = b.got
	default:
		return n, sourceError(err)
	}
	if b.hash != nil {
		var sum [sha256.Size]byte
		b.hash.Sum(sum[:0])
		if sum != b.want {
			return 0, ErrPayloadMismatch
		}
	}
	return n, io.EOF
}

func (b *BodyReader) take(p []byte) {
	b.got += int64(len(p))
	if b.hash != nil {
		b.hash.Write(p)
	}
}

// sourceError says that a body which broke off is incomplete, and keeps the reason.
func sourceError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrIncompleteBody, err)
	}
	return err
}
