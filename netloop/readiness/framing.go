package readiness

import "encoding/binary"

// A TLS record is a header and up to 16 KiB and a little more (RFC 8446, section 5.1).
const (
	recordHeaderBytes = 5
	recordBytesMax    = 16<<10 + 2048 // with what TLS 1.2 allows for encryption
	recordHandshake   = 22            // the type of a record that begins a connection
)

// recordBytes is the length of a record that begins with header, of recordHeaderBytes.
func recordBytes(header []byte) int {
	return recordHeaderBytes + int(binary.BigEndian.Uint16(header[3:]))
}

// framing follows TLS records in the bytes that pass, to know whether one is half here: tls.Conn
// does not tell, and a client that sends half of one and no more is not idle but late.
type framing struct {
	header [recordHeaderBytes]byte
	have   int // bytes of header; 0 while the rest of a record passes
	left   int // of the record whose header is whole
}

func (f *framing) pass(p []byte) {
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
		if f.have == recordHeaderBytes {
			f.have, f.left = 0, recordBytes(f.header[:])-recordHeaderBytes
		}
	}
}

// aheadBytes is what is read when it is not known how long the next record is: a request without
// a body, most of the time.
const aheadBytes = 4 << 10

// most is how much to read at once. Beyond the end of a long record nothing is: tls.Conn would
// have to keep it, and double a buffer that it never gives back.
func (f *framing) most() int {
	if f.left > 0 {
		return f.left
	}
	return aheadBytes
}

// mid reports whether a record has begun and not ended.
func (f *framing) mid() bool { return f.have > 0 || f.left > 0 }
