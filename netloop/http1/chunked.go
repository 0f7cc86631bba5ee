package http1

import "math"

// extensionBytesMax is what all chunk extensions of one body may take together.
const extensionBytesMax = 4 << 10

// trailerNameBytes is as long as the longest name that no trailer may have.
const trailerNameBytes = len("transfer-encoding")

type chunkStage uint8

const (
	chunkSize chunkStage = iota
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart
	trailerName
	trailerValue
	trailerLF
	trailerEndLF
	chunkDone
	chunkRefused
)

// Chunked decodes a chunked body (RFC 9112 section 7.1). It reads the framing and says where
// the data is: the caller takes the data itself, from its buffer or straight from a socket.
type Chunked struct {
	trailerMax int
	stage      chunkStage
	digits     int
	left       int64
	extension  int
	trailer    int
	name       [trailerNameBytes]byte // of the trailer field at hand, in lower case
	nameBytes  int                    // may be more than fit
	err        error
}

// Reset starts a new body, whose trailer has at most so many bytes.
func (c *Chunked) Reset(trailerBytesMax int) { *c = Chunked{trailerMax: trailerBytesMax} }

// Done reports whether the body and its trailer are complete.
func (c *Chunked) Done() bool { return c.stage == chunkDone }

// Left is how many bytes of chunk data come next; 0: framing comes next, see Framing.
func (c *Chunked) Left() int64 {
	if c.stage != chunkData {
		return 0
	}
	return c.left
}

// Took says that n bytes of chunk data, at most Left, were taken. More is a mistake of the caller
// after which nobody knows where the body ends: it panics.
func (c *Chunked) Took(n int) {
	if n < 0 || int64(n) > c.Left() {
		panic("http1: more chunk data taken than there is")
	}
	if n == 0 {
		return
	}
	c.left -= int64(n)
	if c.left == 0 {
		c.stage = chunkDataCR
	}
}

// Framing reads framing from in until chunk data comes next, the body is done or in is used
// up, and returns how many bytes it read, or a *Refusal.
func (c *Chunked) Framing(in []byte) (n int, err error) {
	for n < len(in) && c.stage != chunkData && c.stage != chunkDone {
		if err := c.step(in[n]); err != nil {
			c.stage, c.err = chunkRefused, err
			return n, err
		}
		n++
	}
	return n, nil
}

func (c *Chunked) step(b byte) error {
	switch c.stage {
	case chunkSize:
		return c.size(b)
	case chunkExtension:
		if b == '\r' {
			c.stage = chunkSizeLF
		} else if c.extension++; c.extension > extensionBytesMax || !isFieldByte(b) {
			return ErrChunkExtension
		}
	case chunkSizeLF:
		if b != '\n' {
			return ErrChunkSize
		}
		c.digits = 0
		c.stage = chunkData
		if c.left == 0 {
			c.stage = trailerStart
		}
	case chunkDataCR:
		if b != '\r' {
			return ErrChunkEnd
		}
		c.stage = chunkDataLF
	case chunkDataLF:
		if b != '\n' {
			return ErrChunkEnd
		}
		c.stage = chunkSize
	case chunkRefused:
		return c.err
	default:
		return c.trailerStep(b)
	}
	return nil
}

// size reads up to 16 hexadecimal digits, as long as the value fits an int64.
func (c *Chunked) size(b byte) error {
	switch {
	case isHexDigit(b):
		digit := int64(b - '0')
		if b > '9' {
			digit = int64(b|0x20-'a') + 10
		}
		if c.digits++; c.digits > 16 || c.left > math.MaxInt64>>4 {
			return ErrChunkSize
		}
		c.left = c.left<<4 | digit
		return nil
	case c.digits == 0:
		return ErrChunkSize
	case b == '\r':
		c.stage = chunkSizeLF
		return nil
	case b == ';':
		c.stage = chunkExtension
		return nil
	}
	return ErrChunkSize
}

func (c *Chunked) trailerStep(b byte) error {
	if c.trailer++; c.trailer > c.trailerMax {
		return ErrTrailerLong
	}
	switch {
	case c.stage == trailerStart && b == '\r':
		c.stage = trailerEndLF
	case c.stage == trailerStart && isToken(b):
		c.stage, c.nameBytes = trailerName, 0
		c.addToName(b)
	case c.stage == trailerName && b == ':' && !c.forbidden():
		c.stage = trailerValue
	case c.stage == trailerName && isToken(b):
		c.addToName(b)
	case c.stage == trailerValue && b == '\r':
		c.stage = trailerLF
	case c.stage == trailerValue && isFieldByte(b):
	case c.stage == trailerLF && b == '\n':
		c.stage = trailerStart
	case c.stage == trailerEndLF && b == '\n':
		c.stage = chunkDone
	default:
		return ErrTrailer
	}
	return nil
}

func (c *Chunked) addToName(b byte) {
	if c.nameBytes < len(c.name) {
		c.name[c.nameBytes] = lowerCase(b)
	}
	c.nameBytes++
}

// forbidden: fields that frame, route or authenticate a message have no place in a trailer, and
// somebody who merges them there has been fooled (RFC 9110 section 6.5.1).
func (c *Chunked) forbidden() bool {
	if c.nameBytes > len(c.name) {
		return false
	}
	switch string(c.name[:c.nameBytes]) {
	case "content-length", "transfer-encoding", "host", "authorization":
		return true
	}
	return false
}
