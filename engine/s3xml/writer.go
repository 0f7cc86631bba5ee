package s3xml

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Namespace is the one of all S3 answers but errors.
const Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

const timeLayout = "2006-01-02T15:04:05.000Z"

// Writer appends one XML document to a slice. Element names are the caller's own constants
// and are not escaped; values are. Not safe for concurrent use.
type Writer struct {
	buf []byte
	// URL makes Name percent-encode its values (encoding-type=url of the list calls).
	URL bool
}

// NewWriter begins a document in buf, which the Writer owns from now on; it grows on the heap
// once its capacity is used up.
func NewWriter(buf []byte) *Writer {
	return &Writer{buf: append(buf[:0], `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)}
}

// Bytes is the document so far; it belongs to the caller once writing has ended.
func (w *Writer) Bytes() []byte { return w.buf }

// Root opens the root element in the S3 namespace.
func (w *Writer) Root(name string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, ` xmlns="`+Namespace+`">`...)
}

// Open starts an element.
func (w *Writer) Open(name string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// Close ends an element.
func (w *Writer) Close(name string) {
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// Text writes an element with escaped text.
func (w *Writer) Text(name, value string) {
	w.Open(name)
	w.buf = AppendEscaped(w.buf, value)
	w.Close(name)
}

// Name writes an element that holds a key or a part of one: percent-encoded if URL is set.
func (w *Writer) Name(name, value string) {
	if !w.URL {
		w.Text(name, value)
		return
	}
	w.Open(name)
	w.buf = AppendURL(w.buf, value)
	w.Close(name)
}

// ETag writes an ETag element with the quotes that belong to it.
func (w *Writer) ETag(etag string) {
	w.buf = append(w.buf, "<ETag>&quot;"...)
	w.buf = AppendEscaped(w.buf, etag)
	w.buf = append(w.buf, "&quot;</ETag>"...)
}

// Int writes an element with a decimal number.
func (w *Writer) Int(name string, value int64) {
	w.Open(name)
	w.buf = strconv.AppendInt(w.buf, value, 10)
	w.Close(name)
}

// Bool writes an element with true or false.
func (w *Writer) Bool(name string, value bool) {
	w.Open(name)
	w.buf = strconv.AppendBool(w.buf, value)
	w.Close(name)
}

// Time writes an element with a UTC time in milliseconds.
func (w *Writer) Time(name string, t time.Time) {
	w.Open(name)
	w.buf = t.UTC().AppendFormat(w.buf, timeLayout)
	w.Close(name)
}

// Owner writes a user element (Owner, Initiator).
func (w *Writer) Owner(name, id, display string) {
	w.Open(name)
	w.Text("ID", id)
	w.Text("DisplayName", display)
	w.Close(name)
}

// AppendEscaped appends s as XML text. Characters that XML 1.0 cannot carry at all become
// character references, as S3 sends them: a strict parser then refuses the document, which is
// better than reading the name of another key. Invalid UTF-8 becomes U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	plain := 0 // start of the bytes not yet copied
	for i := 0; i < len(s); {
		r, width := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRuneInString(s[i:])
		}
		esc := escapeOf(r, width)
		if esc == "" && !needsReference(r) {
			i += width
			continue
		}
		dst = append(dst, s[plain:i]...)
		if esc != "" {
			dst = append(dst, esc...)
		} else {
			dst = append(dst, "&#x"...)
			dst = strconv.AppendUint(dst, uint64(r), 16)
			dst = append(dst, ';')
		}
		i += width
		plain = i
	}
	return append(dst, s[plain:]...)
}

func escapeOf(r rune, width int) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case utf8.RuneError:
		if width == 1 {
			return "\uFFFD"
		}
	}
	return ""
}

// needsReference is true for control characters, which parsers normalise or refuse when they
// stand as themselves (https://www.w3.org/TR/xml/#charsets).
func needsReference(r rune) bool {
	return r < ' ' || r == 0x7F || r == 0x85 || r == 0x2028 || r == 0xFFFE || r == 0xFFFF
}

// AppendURL percent-encodes s as the list calls do: letters, digits, "-_.~*" and "/" stay. A
// space becomes %20, which every decoder reads, where "+" is read by some only.
func AppendURL(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '*', c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
