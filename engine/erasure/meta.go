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

// The versions of the Info form. What has no attributes is in the first one, for older readers.
const (
	metaVersion    = 1
	metaAttributes = 2
)

// infoMeta encodes what Info adds to a Record: ETag, checksum, part count, headers and attributes.
//
//	version (1 byte) | part count (uvarint) | ETag | algorithm | value | type | pairs (uvarint
//	count) | name | value | …   where every string is a uvarint length and its bytes.
//	In version 2: attributes (attributes.go)
func infoMeta(info *object.Info) []byte {
	b := make([]byte, 0, 192)
	if info.Attributes.None() {
		b = append(b, metaVersion)
	} else {
		b = append(b, metaAttributes)
	}
	b = binary.AppendUvarint(b, uint64(info.Parts))
	b = appendString(b, info.ETag)
	b = appendString(b, info.Checksum.Algorithm)
	b = appendString(b, info.Checksum.Value)
	b = appendString(b, info.Checksum.Type)
	b = appendPairs(b, info.Headers)
	if info.Attributes.None() {
		return b
	}
	return appendAttributes(b, &info.Attributes)
}

func appendPairs(b []byte, pairs []object.Pair) []byte {
	b = binary.AppendUvarint(b, uint64(len(pairs)))
	for _, p := range pairs {
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
	version := d.byte()
	if version != metaVersion && version != metaAttributes {
		return errMeta
	}
	info.SizeBytes, info.ModTime = r.SizeBytes, time.Unix(0, r.ModTimeNanos).UTC()
	info.Parts = int(d.uvarint())
	info.ETag = d.string()
	info.Checksum = object.Checksum{Algorithm: d.string(), Value: d.string(), Type: d.string()}
	info.Headers = d.pairs(info.Headers)
	if version == metaAttributes {
		info.Attributes = d.attributes()
	}
	if d.bad {
		return errMeta
	}
	return nil
}

// pairs decodes a list of pairs into memory, if it is large enough.
func (d *decoder) pairs(memory []object.Pair) []object.Pair {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	memory = slices.Grow(memory[:0], int(n))
	for range n {
		memory = append(memory, object.Pair{Name: d.string(), Value: d.string()})
	}
	return memory
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

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
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
