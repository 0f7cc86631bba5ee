package erasure

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// uploadID is the binary form of object.UploadID.
type uploadID [16]byte

func (u uploadID) String() object.UploadID { return object.UploadID(hex.EncodeToString(u[:])) }

func parseUploadID(id object.UploadID) (u uploadID, err error) {
	if len(id) != 2*len(u) {
		return u, object.ErrNoSuchUpload
	}
	if _, err := hex.Decode(u[:], []byte(id)); err != nil {
		return u, object.ErrNoSuchUpload
	}
	return u, nil
}

// manifestPart is one part as a manifest names it: by id, never by location.
type manifestPart struct {
	number int
	size   int64
	id     drive.WriteID
}

// manifestMeta is the Meta of a TypeManifest record. A drive reads the first 16 bytes only.
//
//	upload id (16) | Info form (meta.go) | parts (uvarint count) | number (uvarint) | size
//	(uvarint) | write id (16) | …
func manifestMeta(u uploadID, info *object.Info, parts []manifestPart) []byte {
	b := append(make([]byte, 0, 256+24*len(parts)), u[:]...)
	b = append(b, infoMeta(info)...)
	b = binary.AppendUvarint(b, uint64(len(parts)))
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(p.number))
		b = binary.AppendUvarint(b, uint64(p.size))
		b = append(b, p.id[:]...)
	}
	return b
}

// manifestUpload returns the upload a manifest record was made from.
func manifestUpload(r *drive.Record) (u uploadID, ok bool) {
	if r.Type != drive.TypeManifest || len(r.Meta) < len(u) {
		return u, false
	}
	return uploadID(r.Meta[:len(u)]), true
}

func readManifest(r *drive.Record, info *object.Info) ([]manifestPart, error) {
	if len(r.Meta) < 16 {
		return nil, errMeta
	}
	rest, err := readInfo(r, r.Meta[16:], info)
	if err != nil {
		return nil, err
	}
	d := decoder{rest: rest}
	n := d.uvarint()
	if n > object.PartNumberMax {
		return nil, fmt.Errorf("%w: %d parts", errMeta, n)
	}
	parts := make([]manifestPart, n)
	for i := range parts {
		parts[i] = manifestPart{number: int(d.uvarint()), size: int64(d.uvarint())}
		copy(parts[i].id[:], d.bytes(16))
	}
	if d.bad {
		return nil, errMeta
	}
	return parts, nil
}

// recordInfo decodes the Info of any record that has one.
func recordInfo(r *drive.Record) (info object.Info, err error) {
	if r.Type == drive.TypeManifest {
		_, err = readManifest(r, &info)
		return info, err
	}
	_, err = readInfo(r, r.Meta, &info)
	return info, err
}
