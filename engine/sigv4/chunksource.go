package sigv4

import (
	"fmt"
	"io"
)

// emptyReadsMax is how often in a row a source may return neither bytes nor an error.
const emptyReadsMax = 100

// readData reads payload into p, which is not empty and ends within the chunk: first what came
// along with framing, then straight from the source.
func (c *chunkReader) readData(p []byte) (int, error) {
	if c.start < c.end {
		n := copy(p, c.buf[c.start:c.end])
		c.start += n
		return n, nil
	}
	n, err := c.readSource(p)
	return n, endsEarly(err, ErrIncompleteBody)
}

// fill reads more framing behind what is there. There is always room: no framing that is waited
// for is longer than the buffer. io.EOF is the end of the body.
func (c *chunkReader) fill() error {
	if c.start > 0 {
		c.end = copy(c.buf[:], c.buf[c.start:c.end])
		c.start = 0
	}
	n, err := c.readSource(c.buf[c.end:])
	c.end += n
	return err
}

// readSource reads at least one byte, or returns an error. io.EOF only at the declared end.
func (c *chunkReader) readSource(p []byte) (int, error) {
	if c.left >= 0 {
		p = p[:min(int64(len(p)), c.left)]
		if len(p) == 0 {
			return 0, io.EOF
		}
	}
	for range emptyReadsMax {
		n, err := c.src.Read(p)
		if c.left >= 0 {
			c.left -= int64(n)
		}
		switch {
		case n > 0:
			return n, nil // an error comes again with the next call
		case err == io.EOF && c.left > 0:
			return 0, fmt.Errorf("%w: %d bytes are missing", ErrIncompleteBody, c.left)
		case err != nil:
			return 0, sourceError(err)
		}
	}
	return 0, io.ErrNoProgress
}

// readTail reads the rest of the body, all that follows the head of the last chunk.
// Errors: ErrTrailer (too long).
func (c *chunkReader) readTail() ([]byte, error) {
	tail := append([]byte(nil), c.buf[c.start:c.end]...)
	for len(tail) <= trailerBytesMax {
		c.start, c.end = 0, 0
		switch err := c.fill(); err {
		case nil:
			tail = append(tail, c.buf[:c.end]...)
		case io.EOF:
			return tail, nil
		default:
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: over %d bytes", ErrTrailer, trailerBytesMax)
}
