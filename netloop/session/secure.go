package session

import "io"

// RecordBytes is the most data that one TLS record carries (RFC 8446, section 5.1).
const RecordBytes = 16 << 10

// WriteRecords writes bufs in order to w, a TLS connection that makes a record of every write: in
// as few records as they take, a head and a short body in one. scratch, of RecordBytes, is where
// small pieces are put together.
func WriteRecords(w io.Writer, scratch []byte, bufs [][]byte) error {
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
