package sigv4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
)

const (
	// ChunkBytesMin is the least size of every chunk but the last; S3 refuses smaller ones, signed
	// or not ("Only the last chunk is allowed to have a size less than 8192 bytes").
	ChunkBytesMin = 8192

	chunkSignatureMark = ";chunk-signature="
	sizeDigitsMax      = 16
	// chunkHeadBytesMax: size, mark, signature, CR LF.
	chunkHeadBytesMax = sizeDigitsMax + len(chunkSignatureMark) + signatureHexBytes + 2
	// framingBytes is read at once where framing is expected. It costs a copy of the payload
	// bytes that come along, so it is small, yet holds CR LF and a whole head.
	framingBytes = 256

	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// chunkReader is the framing of an aws-chunked body:
//
//	*( size [;chunk-signature=hex] CRLF payload CRLF ) 0 [;chunk-signature=hex] CRLF
//	[ trailers ] CRLF
type chunkReader struct {
	result *Result
	src    io.Reader
	left   int64 // bytes the source still has, -1 if unknown

	chunkLeft int64                   // of the payload of the current chunk
	short     bool                    // the current chunk is under ChunkBytesMin
	given     [signatureHexBytes]byte // signature of the current chunk, as sent
	prev      [signatureHexBytes]byte // signature before it: of the last chunk or the head

	sum        [sha256.Size]byte // scratch
	buf        [framingBytes]byte
	start, end int
}

func (c *chunkReader) signed() bool { return c.result.Payload != StreamingUnsignedTrailer }

// readChunked returns io.EOF with the last bytes once they and all that follows are verified.
func (b *BodyReader) readChunked(p []byte) (int, error) {
	c := b.chunked
	if c.chunkLeft == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := c.readData(p[:min(int64(len(p)), c.chunkLeft)])
	b.take(p[:n])
	c.chunkLeft -= int64(n)
	if c.chunkLeft > 0 {
		return n, err
	}
	if err := b.endChunk(); err != nil {
		return 0, err
	}
	if b.got < b.size {
		return n, nil
	}
	switch err := b.nextChunk(); err {
	case nil:
		panic("sigv4: a chunk beyond the decoded length")
	default:
		return n, err // io.EOF if all is well
	}
}

// nextChunk reads the head of a chunk. The last one, of size zero, brings the rest of the body
// and io.EOF.
func (b *BodyReader) nextChunk() error {
	c := b.chunked
	size, err := c.readHead()
	if err != nil {
		return err
	}
	switch {
	case size > b.size-b.got, size == 0 && b.got < b.size:
		return fmt.Errorf("%w: chunks do not add up to %d bytes", ErrIncompleteBody, b.size)
	case size > 0 && c.short:
		return ErrChunkSize
	case size > 0:
		c.chunkLeft, c.short = size, size < ChunkBytesMin
		return nil
	}
	if err := b.verifyChunk(); err != nil {
		return err
	}
	tail, err := c.readTail()
	if err != nil {
		return err
	}
	if err := b.readTrailers(tail); err != nil {
		return err
	}
	return io.EOF
}

// endChunk verifies a chunk whose payload is complete and skips the CR LF after it.
func (b *BodyReader) endChunk() error {
	if err := b.verifyChunk(); err != nil {
		return err
	}
	c := b.chunked
	for c.end-c.start < 2 {
		if err := c.fill(); err != nil {
			return endsEarly(err, ErrIncompleteBody)
		}
	}
	if c.buf[c.start] != '\r' || c.buf[c.start+1] != '\n' {
		return fmt.Errorf("%w: no CRLF after the payload", ErrChunk)
	}
	c.start += 2
	return nil
}

// verifyChunk compares the current chunk's signature and makes it the one before the next.
func (b *BodyReader) verifyChunk() error {
	c := b.chunked
	if !c.signed() {
		return nil
	}
	b.hash.Sum(c.sum[:0])
	b.hash.Reset()
	var scratch [textBytesMax]byte
	text := c.appendText(scratch[:0], "AWS4-HMAC-SHA256-PAYLOAD\n")
	text = append(text, emptySHA256+"\n"...)
	sum := mac(&c.result.key, appendHex(text, &c.sum))
	if !equalHex(&sum, c.given[:]) {
		return ErrChunkSignature
	}
	c.prev = c.given
	return nil
}

// appendText appends what the texts to sign of chunks and trailers have in common.
func (c *chunkReader) appendText(dst []byte, algorithm string) []byte {
	dst = append(dst, algorithm...)
	dst = append(dst, c.result.amzDate[:]...)
	dst = append(dst, '\n')
	dst = append(dst, c.result.amzDate[:8]...)
	dst = append(dst, c.result.scopeTail...)
	dst = append(dst, '\n')
	dst = append(dst, c.prev[:]...)
	return append(dst, '\n')
}

// readHead reads a chunk's head and returns the chunk's size in bytes.
// Errors: ErrChunk; ErrChunkSignature (no signature, or no chunk at all where chunks are
// signed: a body cut between two chunks has no wrong signature but lacks the last one).
func (c *chunkReader) readHead() (int64, error) {
	line, err := c.readLine()
	if err != nil {
		return 0, err
	}
	digits := line
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		digits = line[:i]
	}
	size, ok := parseChunkSize(digits)
	if !ok {
		return 0, fmt.Errorf("%w: size", ErrChunk)
	}
	extension := line[len(digits):]
	if !c.signed() {
		if len(extension) > 0 {
			return 0, fmt.Errorf("%w: extension of an unsigned chunk", ErrChunk)
		}
		return size, nil
	}
	signature, ok := bytes.CutPrefix(extension, []byte(chunkSignatureMark))
	if !ok || len(signature) != signatureHexBytes {
		return 0, fmt.Errorf("%w: chunk without a signature", ErrChunkSignature)
	}
	copy(c.given[:], signature)
	return size, nil
}

// readLine returns a line without its CR LF; it is valid until the next call.
func (c *chunkReader) readLine() ([]byte, error) {
	for {
		have := c.buf[c.start:c.end]
		if i := bytes.IndexByte(have, '\n'); i >= 0 {
			if i == 0 || have[i-1] != '\r' || i >= chunkHeadBytesMax {
				return nil, fmt.Errorf("%w: head", ErrChunk)
			}
			c.start += i + 1
			return have[:i-1], nil
		}
		if len(have) >= chunkHeadBytesMax {
			return nil, fmt.Errorf("%w: head is too long", ErrChunk)
		}
		if err := c.fill(); err != nil {
			if len(have) == 0 && c.signed() {
				return nil, endsEarly(err, ErrChunkSignature)
			}
			return nil, endsEarly(err, ErrIncompleteBody)
		}
	}
}

func parseChunkSize(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > sizeDigitsMax {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		d := unhex(c)
		if d > 15 {
			return 0, false
		}
		n = n<<4 | uint64(d)
	}
	return int64(n), n < 1<<63
}

// endsEarly turns the end of the source into kind and leaves other errors as they are.
func endsEarly(err, kind error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: the body ends early", kind)
	}
	return err
}
