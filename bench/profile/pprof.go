package profile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrInvalid is wrapped by errors about what cannot be read.
var ErrInvalid = errors.New("invalid profile")

// bytesMax bounds an uncompressed profile.
const bytesMax = 64 << 20

// Profile is as much of a pprof profile as a flame graph needs; see profile.proto in
// https://github.com/google/pprof/tree/main/proto.
type Profile struct {
	Types   []Type
	samples []sample
	// lines of a location, innermost first, as identifiers of functions
	locations map[uint64][]uint64
	functions map[uint64]uint64 // identifier → name, a place in texts
	texts     []string
}

// Type says what a value of each sample is.
type Type struct{ Name, Unit string }

type sample struct {
	locations []uint64 // innermost first
	values    []int64
}

// Read reads a profile, compressed or not. Errors wrap ErrInvalid.
func Read(r io.Reader) (*Profile, error) {
	text, err := io.ReadAll(io.LimitReader(r, bytesMax))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		plain, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(plain, bytesMax))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	p := &Profile{locations: map[uint64][]uint64{}, functions: map[uint64]uint64{}}
	var types [][2]uint64
	err = fields(text, func(field int, number uint64, body []byte) error {
		switch field {
		case 1:
			name, unit := pair(body, 1, 2)
			types = append(types, [2]uint64{name, unit})
		case 2:
			return p.sample(body)
		case 4:
			return p.location(body)
		case 5:
			id, name := pair(body, 1, 2)
			p.functions[id] = name
		case 6:
			p.texts = append(p.texts, string(body))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, t := range types {
		p.Types = append(p.Types, Type{p.text(t[0]), p.text(t[1])})
	}
	return p, nil
}

func (p *Profile) text(i uint64) string {
	if i < uint64(len(p.texts)) {
		return p.texts[i]
	}
	return ""
}

func (p *Profile) sample(body []byte) error {
	var s sample
	err := fields(body, func(field int, number uint64, packed []byte) error {
		switch field {
		case 1:
			s.locations = append(s.locations, numbers(number, packed)...)
		case 2:
			for _, v := range numbers(number, packed) {
				s.values = append(s.values, int64(v))
			}
		}
		return nil
	})
	p.samples = append(p.samples, s)
	return err
}

func (p *Profile) location(body []byte) error {
	id := uint64(0)
	var lines []uint64
	err := fields(body, func(field int, number uint64, line []byte) error {
		switch field {
		case 1:
			id = number
		case 4:
			function, _ := pair(line, 1, 2)
			lines = append(lines, function)
		}
		return nil
	})
	p.locations[id] = lines
	return err
}

// pair reads two numbers of a message; what is not there is 0.
func pair(body []byte, first, second int) (a, b uint64) {
	_ = fields(body, func(field int, number uint64, _ []byte) error { // as much as can be read
		if field == first {
			a = number
		}
		if field == second {
			b = number
		}
		return nil
	})
	return a, b
}

// numbers is one number, or those that are packed into a field.
func numbers(number uint64, packed []byte) (out []uint64) {
	if packed == nil {
		return []uint64{number}
	}
	for len(packed) > 0 {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			break
		}
		out, packed = append(out, v), packed[n:]
	}
	return out
}

var errCut = errors.New("cut off")

// fields visits the fields of a message in the wire format of protocol buffers
// (https://protobuf.dev/programming-guides/encoding/): body is nil for those that are numbers.
func fields(message []byte, visit func(field int, number uint64, body []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errCut
		}
		message = message[n:]
		number, body := uint64(0), []byte(nil)
		switch tag & 7 {
		case 0:
			if number, n = binary.Uvarint(message); n <= 0 {
				return errCut
			}
			message = message[n:]
		case 1, 5:
			size := 8
			if tag&7 == 5 {
				size = 4
			}
			if len(message) < size {
				return errCut
			}
			message = message[size:]
		case 2:
			length, n := binary.Uvarint(message)
			if n <= 0 || length > uint64(len(message)-n) {
				return errCut
			}
			body = message[n : n+int(length) : n+int(length)]
			message = message[n+int(length):]
			if body == nil {
				body = []byte{}
			}
		default:
			return fmt.Errorf("wire type %d", tag&7)
		}
		if err := visit(int(tag>>3), number, body); err != nil {
			return err
		}
	}
	return nil
}
