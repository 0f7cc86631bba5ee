package erasure

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
	"unsafe"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// errMeta says that a record's Meta does not decode; the record's checksum was right, so it was
// written by something else.
var errMeta = errors.New("erasure: metadata of an unknown form")

const metaVersion = 1

// infoMeta encodes what Info adds to a Record: ETag, checksum, part count and headers.
//
//	version (1 byte) | part count (uvarint) | ETag | algorithm | value | type | pairs (uvarint
//	count) | name | value | …   where every string is a uvarint length and its bytes
func infoMeta(info *object.Info) []byte {
	b := make([]byte, 0, 192)
	b = append(b, metaVersion)
	b = binary.AppendUvarint(b, uint64(info.Parts))
	b = appendString(b, info.ETag)
	b = appendString(b, info.Checksum.Algorithm)
	b = appendString(b, info.Checksum.Value)
	b = appendString(b, info.Checksum.Type)
	b = binary.AppendUvarint(b, uint64(len(info.Headers)))
	for _, p := range info.Headers {
		b = appendString(b, p.Name)
		b = appendString(b, p.Value)
	}
	return b
}

// readInfo fills info from a record's fields and from the Meta form above; it returns what
// follows it.
func readInfo(r *drive.Record, meta []byte, info *object.Info) ([]byte, error) {
	d := decoder{rest: meta}
	err := d.info(r, info)
	return d.rest, err
}

// info is readInfo of what is left. The memory of info.Headers is used if it is large enough.
func (d *decoder) info(r *drive.Record, info *object.Info) error {
	if d.byte() != metaVersion {
		return errMeta
	}
	info.SizeBytes, info.ModTime = r.SizeBytes, time.Unix(0, r.ModTimeNanos).UTC()
	info.Parts = int(d.uvarint())
	info.ETag = d.string()
	info.Checksum = object.Checksum{Algorithm: d.string(), Value: d.string(), Type: d.string()}
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		return errMeta
	}
	info.Headers = slices.Grow(info.Headers[:0], int(n))
	for range n {
		info.Headers = append(info.Headers, object.Pair{Name: d.string(), Value: d.string()})
	}
	if d.bad {
		return errMeta
	}
	return nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder reads the forms of this package; bad stays set after the first fault.
type decoder struct {
	rest   []byte
	bad    bool
	shared bool // strings are views of what is read, valid as long as that
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) string() string {
	b := d.bytes(d.uvarint())
	if d.shared {
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	return string(b)
}
