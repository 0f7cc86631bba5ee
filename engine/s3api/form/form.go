package form

import (
	"bytes"
	"io"
	"mime"
	"strconv"
	"strings"

	"flashstore/engine/s3err"
)

const (
	// HeadBytesMax bounds all that precedes the file's content: "The form data and boundaries
	// (excluding the contents of the file) cannot exceed 20KB."
	HeadBytesMax = 20 << 10

	boundaryBytesMax = 70 // RFC 2046, 5.1.1
	headBytesFirst   = 4 << 10
	filenameVariable = "${filename}"
)

// Form is what precedes a file, and the file.
type Form struct {
	Fields []Field // in order, each name once
	File   *File

	filename string
	named    bool // the file has a filename parameter, if only an empty one
}

// Field is one field; Name is in lower case, for the names of S3's are read in any case. Fields of
// one name are one, with commas between the values.
type Field struct{ Name, Value string }

// Get returns the value of a field, whose name is given in lower case.
func (f *Form) Get(name string) (string, bool) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return f.Fields[i].Value, true
		}
	}
	return "", false
}

// Boundary returns the boundary of a body by its Content-Type. Errors: PreconditionFailed if it
// is no form, MalformedPOSTRequest if it has no boundary.
func Boundary(contentType string) (string, error) {
	kind, _, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "multipart/form-data") {
		// The documentation says RequestIsNotMultiPartContent; this is what S3 answers.
		return "", s3err.PreconditionFailed.Detail("Condition",
			"Bucket POST must be of the enclosure-type multipart/form-data")
	}
	_, params, err := mime.ParseMediaType(contentType)
	if boundary := params["boundary"]; err == nil && validBoundary(boundary) {
		return boundary, nil
	}
	return "", s3err.MalformedPOSTRequest
}

func validBoundary(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("'()+_,-./:=? ", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= boundaryBytesMax && s[len(s)-1] != ' '
}

// Read reads src up to the content of the file, which the caller reads from File. Errors:
// MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument (no file), those of src.
func Read(src io.Reader, boundary string) (*Form, error) {
	h := head{src: src, delimiter: []byte("\r\n--" + boundary),
		// The first delimiter has no line before it: now it has.
		buf: append(make([]byte, 0, headBytesFirst), "\r\n"...)}
	f := &Form{}
	at, err := h.find(h.delimiter, 0) // what stands before is a preamble, which nobody reads
	if err != nil {
		return nil, err
	}
	for {
		part, err := h.part(at + len(h.delimiter))
		if err != nil {
			return nil, err
		}
		if part.isFile() {
			f.filename, f.named = part.filename, part.named
			f.File = newFile(src, h.delimiter, h.buf[part.body-2:])
			return f, f.expand()
		}
		if at, err = h.find(h.delimiter, part.body-2); err != nil {
			return nil, err
		}
		f.add(part.name, string(h.buf[part.body:max(part.body, at)]))
	}
}

// add joins fields of the same name, as S3 wants policies to have them.
func (f *Form) add(name, value string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Fields[i].Value += "," + value
			return
		}
	}
	f.Fields = append(f.Fields, Field{name, value})
}

// expand puts the file's name where the variable is, in every field: policies are about what comes
// out. Of a path only what follows the last slash or backslash counts. Without a filename
// parameter S3 leaves the variable as it is.
func (f *Form) expand() error {
	if !f.named {
		return nil
	}
	base := f.filename[strings.LastIndexAny(f.filename, `/\`)+1:]
	left := HeadBytesMax // a long name in many places is more than was sent
	for i := range f.Fields {
		field := &f.Fields[i]
		count := strings.Count(field.Value, filenameVariable)
		if count == 0 || field.Name == "policy" || field.Name == "x-amz-signature" {
			continue
		}
		if left -= count * len(base); left < 0 {
			return tooLong()
		}
		field.Value = strings.ReplaceAll(field.Value, filenameVariable, base)
	}
	return nil
}

// head reads what precedes the file's content. All of it is kept.
type head struct {
	src       io.Reader
	delimiter []byte
	buf       []byte
}

// part is the head of a part, and where its content begins.
type part struct {
	name, filename string
	named          bool
	formData       bool
	body           int
}

// isFile: a field is the file by its name and nothing else, as in S3.
func (p *part) isFile() bool { return p.formData && p.name == "file" }

// find returns where the next pattern is. It scans nothing twice.
func (h *head) find(pattern []byte, from int) (int, error) {
	for {
		if i := bytes.Index(h.buf[from:], pattern); i >= 0 {
			return from + i, nil
		}
		from = max(from, len(h.buf)-len(pattern)+1)
		if err := h.more(); err != nil {
			return 0, err
		}
	}
}

// more reads some bytes.
func (h *head) more() error {
	const limit = HeadBytesMax + 2 // the line before the first delimiter is ours
	switch {
	case len(h.buf) == limit:
		return tooLong()
	case len(h.buf) == cap(h.buf):
		h.buf = append(make([]byte, 0, min(2*cap(h.buf), limit)), h.buf...)
	}
	for range emptyReadsMax {
		n, err := h.src.Read(h.buf[len(h.buf):cap(h.buf)])
		h.buf = h.buf[:len(h.buf)+n]
		switch {
		case n > 0:
			return nil
		case err == io.EOF:
			return s3err.MalformedPOSTRequest
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// emptyReadsMax bounds reads that bring neither bytes nor an error.
const emptyReadsMax = 100

// part reads the rest of a delimiter's line and the header of the part behind it.
// Errors: InvalidArgument where the form ends, MalformedPOSTRequest.
func (h *head) part(at int) (part, error) {
	for len(h.buf) < at+2 {
		if err := h.more(); err != nil {
			return part{}, err
		}
	}
	if string(h.buf[at:at+2]) == "--" {
		return part{}, s3err.InvalidArgument.With("POST requires exactly one file upload per request.").
			Detail("ArgumentName", "file").Detail("ArgumentValue", "0")
	}
	line, err := h.find([]byte("\r\n"), at)
	if err != nil {
		return part{}, err
	}
	if len(bytes.Trim(h.buf[at:line], " \t")) > 0 {
		return part{}, s3err.MalformedPOSTRequest
	}
	end, err := h.find([]byte("\r\n\r\n"), line)
	if err != nil {
		return part{}, err
	}
	p, err := parsePart(string(h.buf[line:end]))
	p.body = end + 4
	return p, err
}

func tooLong() error {
	return s3err.MaxPostPreDataLengthExceeded.
		Detail("MaxPostPreDataLengthBytes", strconv.Itoa(HeadBytesMax))
}
