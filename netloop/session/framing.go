package session

import "encoding/binary"

// A TLS record is a header and up to 16 KiB and a little more (RFC 8446, section 5.1).
const (
	RecordHeaderBytes = 5
	RecordBytesMax    = RecordBytes + 2048 // with what TLS 1.2 allows for encryption
	RecordHandshake   = 22                 // the type of a record that begins a connection
)

// RecordLength is how long a record is, as its header says, of RecordHeaderBytes.
func RecordLength(header []byte) int {
	return RecordHeaderBytes + int(binary.BigEndian.Uint16(header[3:]))
}

// Framing follows TLS records in the bytes that pass, to know whether one is half here: tls.Conn
// does not tell, and a client that sends half of one and no more is not idle but late.
type Framing struct {
	header [RecordHeaderBytes]byte
	have   int // bytes of header; 0 while the rest of a record passes
	left   int // of the record whose header is whole
}

// Pass is told the next bytes.
func (f *Framing) Pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, len(p))
			f.left -= n
			p = p[n:]
			continue
		}
		n := copy(f.header[f.have:], p)
		f.have += n
		p = p[n:]
		if f.have == RecordHeaderBytes {
			f.have, f.left = 0, RecordLength(f.header[:])-RecordHeaderBytes
		}
	}
}

// aheadBytes is what is read when it is not known how long the next record is: a request without
// a body, most of the time.
const aheadBytes = 4 << 10

// Most is how much to read at once. Beyond the end of a long record nothing is: tls.Conn would
// have to keep it, and double a buffer that it never gives back.
func (f *Framing) Most() int {
	if f.left > 0 {
		return f.left
	}
	return aheadBytes
}

// Mid reports whether a record has begun and not ended.
func (f *Framing) Mid() bool { return f.have > 0 || f.left > 0 }
