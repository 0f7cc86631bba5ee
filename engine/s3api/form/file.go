package form

import (
	"bytes"
	"io"

	"flashstore/engine/s3err"
)

// windowBytes is what is held of a file: several times the largest delimiter (74), so that little
// of it is moved, and of a piece with what a hash likes to be fed.
const windowBytes = 32 << 10

// File reads the content of the file of a form, up to its delimiter. io.EOF comes when the
// delimiter is whole; a body that ends before is an error. It is not safe for concurrent use.
type File struct {
	src        io.Reader
	delimiter  []byte
	window     []byte // nil before the first Read
	held       []byte // what was read of it before that
	start, end int    // what is held
	safe       int    // bytes from start that are content for certain
	found      bool   // the delimiter follows the safe bytes
	lead       bool   // the window begins with a line end that is no content
	err        error  // final
}

// newFile returns the reader of a file whose first bytes are held already, after a line end: that
// of the part's header, which belongs to the delimiter if the part has no content.
func newFile(src io.Reader, delimiter, held []byte) *File {
	return &File{src: src, delimiter: delimiter, held: held, lead: true}
}

// begin makes the window: not before somebody reads, who is allowed to by then.
func (f *File) begin() {
	f.window = make([]byte, windowBytes)
	f.end = copy(f.window, f.held)
	f.held = nil
	f.scan()
}

// Read reads content. Errors: MalformedPOSTRequest, those of the source.
func (f *File) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if f.window == nil {
		f.begin()
	}
	for f.safe == 0 && f.err == nil {
		if f.found {
			f.err = f.finish()
			break
		}
		if f.err = f.fill(); f.err == nil {
			f.scan()
		}
	}
	if f.safe == 0 {
		return 0, f.err
	}
	n := copy(p, f.window[f.start:f.start+f.safe])
	f.start += n
	f.safe -= n
	return n, nil
}

// scan finds out how much of what is held is content.
func (f *File) scan() {
	held := f.window[f.start:f.end]
	if f.lead && !bytes.HasPrefix(held, f.delimiter) {
		if bytes.HasPrefix(f.delimiter, held) {
			return // it may become one
		}
		f.start += len("\r\n")
		held = held[len("\r\n"):]
	}
	f.lead = false
	if i := bytes.Index(held, f.delimiter); i >= 0 {
		f.safe, f.found = i, true
		return
	}
	// A delimiter has one CR, its first byte, so it can only have begun at the last one here.
	f.safe = len(held)
	if i := bytes.LastIndexByte(held, '\r'); i >= 0 && bytes.HasPrefix(f.delimiter, held[i:]) {
		f.safe = i
	}
}

// finish reads the rest of the delimiter's line: two dashes, or white space and a line end.
// It returns io.EOF if all is well.
func (f *File) finish() error {
	at := len(f.delimiter)
	for {
		rest := f.window[f.start+at : f.end]
		switch {
		case len(rest) >= 2 && string(rest[:2]) == "--", len(rest) >= 2 && string(rest[:2]) == "\r\n":
			return io.EOF
		case len(rest) >= 1 && (rest[0] == ' ' || rest[0] == '\t'):
			at++
		case len(rest) >= 2 || at > windowBytes/2:
			return s3err.MalformedPOSTRequest
		default:
			if err := f.fill(); err != nil {
				return err
			}
		}
	}
}

// fill reads some bytes behind what is held.
func (f *File) fill() error {
	if f.start > 0 {
		f.end = copy(f.window, f.window[f.start:f.end])
		f.start = 0
	}
	for range emptyReadsMax {
		n, err := f.src.Read(f.window[f.end:])
		f.end += n
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
