package sigv4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
)

const (
	trailerBytesMax  = 4 << 10
	trailersMax      = 8
	trailerSignature = "x-amz-trailer-signature"
)

// trailer is one announced trailer and its value.
type trailer struct {
	name  string // in lower case
	value string
	seen  bool
}

// announcedTrailers returns the names in x-amz-trailer, without values.
// Error: ErrTrailer.
func announcedTrailers(header []Field) ([]trailer, error) {
	var list []trailer
	for i := range header {
		if !equalFold(header[i].Name, "x-amz-trailer") {
			continue
		}
		for name := range bytes.SplitSeq(header[i].Value, []byte{','}) {
			name = bytes.ToLower(bytes.Trim(name, " \t"))
			if !isFieldName(name) || !bytes.HasPrefix(name, []byte("x-amz-")) ||
				string(name) == trailerSignature || len(list) == trailersMax {
				return nil, fmt.Errorf("%w: x-amz-trailer", ErrTrailer)
			}
			list = append(list, trailer{name: string(name)})
		}
	}
	return list, nil
}

// readTrailers reads the tail of a body: trailers, if the mode has them, and an empty line.
//
// A line ends in CR LF. minio-go ends the last trailer's line in LF, CR LF instead (and the
// others in LF): the line after a bare LF may so be an empty one that ends nothing.
//
// Errors: ErrTrailer, ErrChunk, ErrChunkSignature, ErrIncompleteBody (no empty line).
func (b *BodyReader) readTrailers(tail []byte) error {
	if b.chunked.result.Payload == StreamingSigned {
		switch string(tail) {
		case "\r\n":
			return nil
		case "", "\r":
			return fmt.Errorf("%w: no empty line at the end", ErrIncompleteBody)
		default:
			return fmt.Errorf("%w: bytes after the last chunk", ErrChunk)
		}
	}
	var signed, signature []byte
	bare, ended := false, false
	for len(tail) > 0 && !ended {
		line, rest, ok := bytes.Cut(tail, []byte{'\n'})
		if !ok {
			return fmt.Errorf("%w: the body ends in a trailer", ErrIncompleteBody)
		}
		tail = rest
		line, crlf := bytes.CutSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			if !crlf {
				return fmt.Errorf("%w: empty line without CR", ErrTrailer)
			}
			ended = !bare || len(tail) == 0
			bare = false
			continue
		}
		if signature != nil {
			return fmt.Errorf("%w: a trailer after the signature", ErrTrailer)
		}
		bare = !crlf
		name, value, ok := bytes.Cut(line, []byte{':'})
		name, value = bytes.ToLower(name), bytes.Trim(value, " \t")
		if !ok || !isFieldName(name) || bytes.IndexByte(value, '\r') >= 0 {
			return fmt.Errorf("%w: not a field", ErrTrailer)
		}
		if b.chunked.signed() && string(name) == trailerSignature {
			signature = value
			continue
		}
		if err := b.setTrailer(name, value); err != nil {
			return err
		}
		signed = fmt.Appendf(signed, "%s:%s\n", name, value)
	}
	switch {
	case !ended:
		return fmt.Errorf("%w: no empty line at the end", ErrIncompleteBody)
	case len(tail) > 0:
		return fmt.Errorf("%w: bytes after the trailers", ErrChunk)
	case b.chunked.signed() && !b.chunked.verifyTrailers(signed, signature):
		return fmt.Errorf("%w: trailer", ErrChunkSignature)
	}
	for i := range b.trailers {
		if !b.trailers[i].seen {
			return fmt.Errorf("%w: %s is missing", ErrTrailer, b.trailers[i].name)
		}
	}
	return nil
}

func (b *BodyReader) setTrailer(name, value []byte) error {
	for i := range b.trailers {
		if t := &b.trailers[i]; t.name == string(name) && !t.seen {
			t.value, t.seen = string(value), true
			return nil
		}
	}
	return fmt.Errorf("%w: %q was not announced, or comes twice", ErrTrailer,
		strings.ToValidUTF8(string(name), "?"))
}

// verifyTrailers verifies the lines name:value\n of all trailers.
func (c *chunkReader) verifyTrailers(signed, signature []byte) bool {
	hash := sha256.Sum256(signed)
	var scratch [textBytesMax]byte
	text := c.appendText(scratch[:0], "AWS4-HMAC-SHA256-TRAILER\n")
	sum := mac(&c.result.key, appendHex(text, &hash))
	return equalHex(&sum, signature)
}
