package s3xml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Faults of a document.
var (
	// ErrMalformed: not well-formed, or not what the schema of the call allows.
	ErrMalformed = errors.New("the XML is malformed or does not fit the schema")
	// ErrTooLarge: longer than the limit of the call.
	ErrTooLarge = errors.New("the XML is too long")
	// ErrUnsupported: valid, but asks for something that is not implemented.
	ErrUnsupported = errors.New("the XML asks for what is not implemented")
)

// attributesMax is far more than S3 has a use for: xmlns, xmlns:xsi and xsi:type.
const attributesMax = 16

// depthMax is twice the deepest document S3 knows here (Delete/Object/Key).
const depthMax = 6

// scanner walks a document element by element.
type scanner struct {
	src    *bounded
	tokens *xml.Decoder
	depth  int
	seen   bool // a token came before
}

func newScanner(r io.Reader, bytesMax int64) *scanner {
	src := &bounded{r: r, left: bytesMax}
	return &scanner{src: src, tokens: xml.NewDecoder(src)}
}

// fault prefers the error of the source, which caused whatever the parser says.
func (s *scanner) fault(err error) error {
	if s.src.err != nil {
		return s.src.err
	}
	return fmt.Errorf("%w: %v", ErrMalformed, err)
}

// next returns the next StartElement, EndElement or CharData; io.EOF after the root.
func (s *scanner) next() (xml.Token, error) {
	for {
		token, err := s.tokens.Token()
		if err == io.EOF && s.src.err == nil {
			return nil, io.EOF
		}
		if err != nil {
			return nil, s.fault(err)
		}
		first := !s.seen
		s.seen = true
		switch t := token.(type) {
		case xml.StartElement:
			if s.depth++; s.depth > depthMax {
				return nil, s.fault(errors.New("nested too deeply"))
			}
			if !distinct(t.Attr) {
				return nil, s.fault(errors.New("an attribute came twice, or there are too many"))
			}
			return t, nil
		case xml.EndElement:
			s.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Comment:
		case xml.ProcInst:
			if t.Target != "xml" || !first {
				return nil, s.fault(errors.New("a processing instruction"))
			}
		default:
			return nil, s.fault(errors.New("a directive"))
		}
	}
}

// distinct reports whether no two attributes have one name (https://www.w3.org/TR/xml/#uniqattspec),
// which the decoder does not look at.
func distinct(attributes []xml.Attr) bool {
	for i := range attributes {
		for j := range i {
			if attributes[i].Name == attributes[j].Name {
				return false
			}
		}
		if i == attributesMax {
			return false
		}
	}
	return true
}

// document checks the root element, calls child for each of its children and then reads the
// source to its end. Child consumes its element.
func (s *scanner) document(root string, child func(name string) error) error {
	name, err := s.element()
	if err != nil {
		return err
	}
	if name != root {
		return s.fault(fmt.Errorf("root element %.40q", name))
	}
	if err := s.children(child); err != nil {
		return err
	}
	for {
		token, err := s.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := token.(xml.CharData); !ok || !blank(text) {
			return s.fault(errors.New("something follows the root element"))
		}
	}
}

// element returns the name of the next element to open; "" when the enclosing one ends.
func (s *scanner) element() (string, error) {
	for {
		token, err := s.next()
		if err == io.EOF {
			return "", s.fault(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t.Name.Local, nil
		case xml.EndElement:
			return "", nil
		case xml.CharData:
			if !blank(t) {
				return "", s.fault(errors.New("text between elements"))
			}
		}
	}
}

// children calls child for each child of the element just opened, up to its end.
func (s *scanner) children(child func(name string) error) error {
	for {
		name, err := s.element()
		if err != nil || name == "" {
			return err
		}
		if err := child(name); err != nil {
			return err
		}
	}
}

// text reads the element just opened, which holds nothing but text, to its end. Seen says
// whether it came before, which is a fault.
func (s *scanner) text(into *string, seen *bool) error {
	if *seen {
		return s.fault(errors.New("an element came twice"))
	}
	*seen = true
	var b strings.Builder
	for {
		token, err := s.next()
		if err == io.EOF {
			return s.fault(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			*into = b.String()
			return nil
		default:
			return s.fault(errors.New("an element where text belongs"))
		}
	}
}

// unknown is the answer to an element the schema does not have.
func (s *scanner) unknown(name string) error {
	return s.fault(fmt.Errorf("unknown element %.40q", name))
}

func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// bounded lets left bytes pass and remembers why it stopped.
type bounded struct {
	r      io.Reader
	left   int64
	passed int64
	err    error // other than io.EOF
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.passed += int64(n)
	if b.left -= int64(n); b.left < 0 {
		b.err = ErrTooLarge
		return 0, b.err
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
