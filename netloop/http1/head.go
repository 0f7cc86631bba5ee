package http1

import "bytes"

// Limits bound a message; all in bytes but Fields.
type Limits struct {
	HeadBytes    int // request line, fields and the empty line
	TargetBytes  int
	Fields       int
	TrailerBytes int
}

// Span is a place in the buffer that was parsed.
type Span struct{ Start, End int }

// Of returns the bytes of s in buf.
func (s Span) Of(buf []byte) []byte { return buf[s.Start:s.End:s.End] }

// Field is one header field; Name as it was sent.
type Field = struct{ Name, Value []byte }

// fieldsUsual is how many fields a Parser has room for at once: more than clients of S3 send. Each
// connection with a request in flight has a Parser, and few ever need the room of its limits.
const fieldsUsual = 32

// fieldSpan is where a field is.
type fieldSpan struct{ name, colon, value, end uint32 }

// Head is a complete request head.
type Head struct {
	Method Span
	Target Span // in origin-form, or "*"; empty for an absolute-form without a path
	Host   Span // of the Host field, or of an absolute-form target
	Minor  int  // of HTTP/1.x

	ContentLength int64 // 0 without a body, -1 when chunked
	Chunked       bool
	KeepAlive     bool // the client can use the connection again
	Continue      bool // it waits for a 100 before it sends the body
}

type stage uint8

const (
	stageRequestLine stage = iota
	stageFields
	stageDone
	stageRefused
)

// Parser reads one request head after the other. It is not safe for concurrent use.
type Parser struct {
	limits Limits
	stage  stage
	line   int // where the current line starts
	scan   int // where to go on looking for its end
	head   Head
	fields []fieldSpan
	seen   seen
	err    error
}

// seen is what the fields said, until the head is complete.
type seen struct {
	hosts, lengths, codings int
	length                  int64
	authority               Span // of an absolute-form target
	absolute                bool
	close, keep             bool
	expectOther             bool
	codingOther             bool // a well-formed list of codings that are not implemented
}

// NewParser returns a Parser. It allocates once more if a head has many fields, up to its limits.
func NewParser(limits Limits) *Parser {
	return &Parser{limits: limits, fields: make([]fieldSpan, 0, min(limits.Fields, fieldsUsual))}
}

// Reset forgets the last head; the next Parse starts a new one.
func (p *Parser) Reset() {
	p.stage, p.line, p.scan, p.err = stageRequestLine, 0, 0, nil
	p.head, p.fields, p.seen = Head{}, p.fields[:0], seen{}
}

// Parse looks at buf, which starts with the head's first byte and holds what earlier calls
// since Reset were given, and perhaps more (it may have moved). It returns the length of the
// head once it is complete, 0 while it is not, or a *Refusal.
func (p *Parser) Parse(buf []byte) (headBytes int, err error) {
	window := buf[:min(len(buf), p.limits.HeadBytes)]
	for p.stage < stageDone {
		i := bytes.IndexByte(window[p.scan:], '\n')
		if i < 0 {
			p.scan = len(window)
			if len(window) == p.limits.HeadBytes {
				return 0, p.refuse(p.tooLong())
			}
			return 0, nil
		}
		end := p.scan + i
		if end == p.line || buf[end-1] != '\r' {
			return 0, p.refuse(ErrLineEnd)
		}
		if err := p.parseLine(buf, Span{p.line, end - 1}); err != nil {
			return 0, p.refuse(err)
		}
		p.line, p.scan = end+1, end+1
	}
	if p.stage == stageRefused {
		return 0, p.err
	}
	return p.line, nil
}

// Head is what Parse found; valid once it returned a length, until Reset.
func (p *Parser) Head() *Head { return &p.head }

// AppendFields appends the header fields in the order they came, as slices of buf.
func (p *Parser) AppendFields(dst []Field, buf []byte) []Field {
	for i := range p.fields {
		f := &p.fields[i]
		dst = append(dst, Field{Name: buf[f.name:f.colon:f.colon], Value: buf[f.value:f.end:f.end]})
	}
	return dst
}

func (p *Parser) refuse(err error) error {
	p.stage, p.err = stageRefused, err
	return err
}

func (p *Parser) tooLong() error {
	if p.stage == stageRequestLine {
		return ErrTargetLong
	}
	return ErrHeadLong
}

func (p *Parser) parseLine(buf []byte, line Span) error {
	switch {
	case p.stage == stageRequestLine:
		p.stage = stageFields
		return p.parseRequestLine(buf, line)
	case line.Start == line.End:
		p.stage = stageDone
		return p.finish(buf)
	}
	return p.parseField(buf, line)
}

func (p *Parser) parseRequestLine(buf []byte, line Span) error {
	b := line.Of(buf)
	first := bytes.IndexByte(b, ' ')
	last := bytes.LastIndexByte(b, ' ')
	if first < 0 || first == last {
		return ErrRequestLine // HTTP/0.9 among them
	}
	if !allToken(b[:first]) {
		return ErrMethod
	}
	switch string(b[:first]) {
	case "PRI": // the preface of HTTP/2, or somebody who plays with it
		return ErrRequestLine
	case "CONNECT": // its only target is an authority (RFC 9112, 3.2.3); there is no tunnel here
		return ErrTarget
	}
	p.head.Method = Span{line.Start, line.Start + first}
	target := Span{line.Start + first + 1, line.Start + last}
	if target.End-target.Start > p.limits.TargetBytes {
		return ErrTargetLong
	}
	if err := p.parseTarget(buf, target); err != nil {
		return err
	}
	return p.parseVersion(b[last+1:])
}

func (p *Parser) parseVersion(b []byte) error {
	isDigit := func(c byte) bool { return '0' <= c && c <= '9' }
	if len(b) != len("HTTP/1.1") || string(b[:5]) != "HTTP/" ||
		!isDigit(b[5]) || b[6] != '.' || !isDigit(b[7]) {
		return ErrRequestLine
	}
	if b[5] != '1' || b[7] > '1' {
		return ErrVersion // 505 is for those who cannot say 400 (RFC 9110, 2.5: "can send")
	}
	p.head.Minor = int(b[7] - '0')
	return nil
}
