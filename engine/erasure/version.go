package erasure

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// versionID is the binary form of object.VersionID: the order of its write with all bits inverted,
// big endian, so that the newest version of a key has the lowest name. Orders are never used twice
// in a key, whatever the clock says.
type versionID [16]byte

// nullVersion is the version that was written without versioning: the register of the object.
var nullVersion versionID

func versionOf(o drive.Order) (v versionID) {
	binary.BigEndian.PutUint64(v[:8], ^o.Term)
	binary.BigEndian.PutUint64(v[8:], ^o.Sequence)
	return v
}

// String is the id as people see it.
func (v versionID) String() object.VersionID {
	if v == nullVersion {
		return object.NullVersion
	}
	return object.VersionID(hex.EncodeToString(v[:]))
}

// parseVersionID is the opposite of String. Errors: object.ErrNoSuchVersion.
func parseVersionID(id object.VersionID) (v versionID, err error) {
	if id == object.NullVersion {
		return nullVersion, nil
	}
	if len(id) == 2*len(v) {
		_, err = hex.Decode(v[:], []byte(id))
	}
	if len(id) != 2*len(v) || err != nil || v.String() != id || v == nullVersion {
		return v, fmt.Errorf("%w: %q", object.ErrNoSuchVersion, id)
	}
	return v, nil
}

// In a bucket that ever had versioning, a key has a head: a register that says which of its
// versions is the newest. It is written behind the version, under the same lock, and is the
// authority: a version that it does not know of was never acknowledged. A key without one has at
// most the null version, from before. What is cut off between the two writes takes effect when
// somebody comes who would tell it from the rest: who lists versions, a condition, a Complete
// that is repeated.
//
// A deletion of the newest version moves the head first, so that whoever saw the older version
// through it never sees the newer one again, and the head says which one goes: whoever changes
// anything of the key next finishes that before.

// headForm is the version of the form of a head.
const headForm = 1

// target is a version as a head names it.
type target struct {
	version versionID
	order   drive.Order
	id      drive.WriteID
	info    object.Info // with Version and Marker
}

// keyHead is what the head of a key says.
type keyHead struct {
	*target             // nil: the key has no version
	order   drive.Order // of the head itself
	goes    *versionID  // this version is being deleted, or was; nil: none
}

// targetOf is the version in a register.
func targetOf(key object.Key, v versionID, r *drive.Record) (*target, error) {
	info, err := recordInfo(r)
	if err != nil {
		return nil, err
	}
	info.Key, info.Version, info.Marker = key, v.String(), r.Type == drive.TypeMarker
	return &target{version: v, order: r.Order, id: r.WriteID, info: info}, nil
}

// headRecord is the head that names t, while the version goes, if one does, is deleted; without t
// the tombstone of a head.
//
//	form (1) | whether a version is being deleted (1) | its id (16)
//	and, but for a tombstone: version id (16) | order of the version (term 8, sequence 8) | its
//	write id (16) | Info form (meta.go)
func headRecord(key drive.Key, t *target, goes *versionID) *drive.Record {
	b := append(make([]byte, 0, 256), headForm, 0)
	if goes != nil {
		b[1] = 1
		b = append(b, goes[:]...)
	} else {
		b = append(b, nullVersion[:]...)
	}
	if t == nil {
		return &drive.Record{Type: drive.TypePurge, Key: key, Meta: b}
	}
	r := &drive.Record{Type: drive.TypeDocument, Key: key, SizeBytes: t.info.SizeBytes,
		ModTimeNanos: t.info.ModTime.UnixNano()}
	if t.info.Marker {
		r.Type = drive.TypeMarker
	}
	b = append(b, t.version[:]...)
	b = binary.LittleEndian.AppendUint64(b, t.order.Term)
	b = binary.LittleEndian.AppendUint64(b, t.order.Sequence)
	b = append(b, t.id[:]...)
	r.Meta = append(b, infoMeta(&t.info)...)
	return r
}

// headTargetBytes is the length of what headTarget reads.
const headTargetBytes = 1 + 1 + 16 + 16 + 16 + 16

// headTarget is what a head names, without what it says of it.
func headTarget(r *drive.Record) (t target, err error) {
	d := decoder{rest: r.Meta}
	form := d.byte()
	d.bytes(1 + 16)
	copy(t.version[:], d.bytes(16))
	t.order = drive.Order{Term: d.uint64(), Sequence: d.uint64()}
	copy(t.id[:], d.bytes(16))
	if form != headForm || d.bad {
		return t, errMeta
	}
	return t, nil
}

// readHead decodes a head; it names nothing if w, of its register, is nil or a tombstone.
func readHead(key object.Key, w *write) (h keyHead, err error) {
	if w == nil {
		return h, nil
	}
	r := &w.sample.Record
	h.order = r.Order
	d := decoder{rest: r.Meta}
	form, goes := d.byte(), d.byte()
	var id versionID
	if copy(id[:], d.bytes(16)); goes != 0 {
		h.goes = &id
	}
	if form != headForm || d.bad {
		return h, errMeta
	}
	if r.Type == drive.TypePurge {
		return h, nil
	}
	t, err := headTarget(r)
	if err != nil {
		return h, err
	}
	d = decoder{rest: r.Meta[headTargetBytes:]}
	err = d.info(r, &t.info)
	t.info.Key, t.info.Version, t.info.Marker = key, t.version.String(), r.Type == drive.TypeMarker
	h.target = &t
	return h, err
}
