package session

import (
	"io"
	"sync"
)

// RecordBytes is the most data that one TLS record carries (RFC 8446, section 5.1).
const RecordBytes = 16 << 10

// Records is memory in which what goes out in one TLS record is put together. The zero value is
// ready; safe for concurrent use.
type Records struct{ free sync.Pool } // of *record

type record [RecordBytes]byte

// Write writes bufs in order to w, a TLS connection that makes a record of every write: in as few
// records as they take, a head and a short body in one.
func (p *Records) Write(w io.Writer, bufs [][]byte) error {
	r, _ := p.free.Get().(*record)
	if r == nil {
		r = new(record)
	}
	defer p.free.Put(r)
	return writeRecords(w, r[:], bufs)
}

// writeRecords is Records.Write; scratch, of RecordBytes, is where small pieces are put together.
func writeRecords(w io.Writer, scratch []byte, bufs [][]byte) error {
	n := 0 // bytes of scratch in use
	for _, b := range bufs {
		for len(b) > 0 {
			if whole := len(b) - len(b)%RecordBytes; n == 0 && whole > 0 {
				if _, err := w.Write(b[:whole]); err != nil {
					return err
				}
				b = b[whole:]
				continue
			}
			m := copy(scratch[n:RecordBytes], b)
			n, b = n+m, b[m:]
			if n == RecordBytes {
				if _, err := w.Write(scratch[:n]); err != nil {
					return err
				}
				n = 0
			}
		}
	}
	if n == 0 {
		return nil
	}
	_, err := w.Write(scratch[:n])
	return err
}

// PlainRefusal answers a request that came without TLS where TLS is spoken.
const PlainRefusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n" +
	"Content-Length: 48\r\nConnection: close\r\n\r\n" +
	"Client sent an HTTP request to an HTTPS server.\n"

// LooksLikeHTTP reports whether first, the first bytes of a connection, begin a request line.
func LooksLikeHTTP(first []byte) bool {
	for i, c := range first {
		if c == ' ' && i > 0 {
			return true
		}
		if c < 'A' || 'Z' < c {
			return false
		}
	}
	return len(first) > 0
}
