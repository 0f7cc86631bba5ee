package erasure

import (
	"encoding/binary"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

const bucketPrefix = "bucket/" // of document names

// address is a register and where it lives. All of one object key (object, uploads, parts) lives in
// one set: a drive releases the parts of a manifest by itself.
type address struct {
	set      *set
	key      drive.Key
	rotation int // of its shards; of a register without shards, whom to ask first
}

// at completes the address of a register whose set and rotation follow from two names.
func (s *Store) at(key drive.Key, bucket, name string) address {
	hash := slot(bucket, name)
	one := s.sets[setOf(hash, len(s.sets))]
	return address{one, key, rotation(hash, len(s.sets), one.n)}
}

// bucketAt is the register of a bucket's document.
func (s *Store) bucketAt(name object.BucketName) address {
	return s.at(bucketKey(name), string(name), "")
}

func bucketKey(name object.BucketName) drive.Key {
	return drive.Key{Space: drive.SpaceDocument, Name: bucketPrefix + string(name)}
}

// objectAt is the register of an object.
func (s *Store) objectAt(b *bucket, key object.Key) address {
	a := s.at(objectKey(b, key), string(b.name), string(key))
	a.set.clients.note()
	return a
}

func objectKey(b *bucket, key object.Key) drive.Key {
	return drive.Key{Space: drive.SpaceObject, Bucket: b.id, Name: string(key)}
}

// uploadAt is the register of an upload: key, NUL, upload id.
func (s *Store) uploadAt(b *bucket, key object.Key, u uploadID) address {
	return s.at(uploadKey(b, key, u), string(b.name), string(key))
}

func uploadKey(b *bucket, key object.Key, u uploadID) drive.Key {
	return drive.Key{Space: drive.SpaceUpload, Bucket: b.id,
		Name: string(key) + "\x00" + string(u[:])}
}

// partAt is the register of a part of an upload for key: upload id, part number.
func (s *Store) partAt(b *bucket, key object.Key, u uploadID, number int) address {
	register := partKey(b, u, number)
	a := s.at(register, string(b.name), string(key))
	a.rotation = rotation(slot("", register.Name), 1, a.set.n)
	a.set.clients.note()
	return a
}

func partKey(b *bucket, u uploadID, number int) drive.Key {
	return drive.Key{Space: drive.SpacePart, Bucket: b.id,
		Name: string(binary.BigEndian.AppendUint16(u[:], uint16(number)))}
}

// versionAt is the register of a version: of the null version the object's.
func (s *Store) versionAt(b *bucket, key object.Key, v versionID) address {
	a := s.objectAt(b, key)
	if v != nullVersion {
		a.key = drive.Key{Space: drive.SpaceVersion, Bucket: b.id, Name: versionName(key, v)}
	}
	return a
}

func versionName(key object.Key, v versionID) string { return string(key) + "\x00" + string(v[:]) }

// splitVersion is the opposite of versionName.
func splitVersion(name string) (key object.Key, v versionID, ok bool) {
	at := len(name) - len(v) - 1
	if at < 0 {
		return "", v, false
	}
	return object.Key(name[:at]), versionID([]byte(name[at+1:])), true
}

// headAt is the register that says which version is the newest.
func (s *Store) headAt(b *bucket, key object.Key) address {
	a := s.objectAt(b, key)
	a.key.Space = drive.SpaceHead
	return a
}

// attributesAt is the register of what changed of a version.
func (s *Store) attributesAt(b *bucket, key object.Key, v versionID) address {
	a := s.objectAt(b, key)
	a.key = drive.Key{Space: drive.SpaceAttributes, Bucket: b.id, Name: versionName(key, v)}
	return a
}

// owner is the register of the object that k belongs to: one lock orders all that happens to a key.
func owner(k drive.Key) drive.Key {
	switch k.Space {
	case drive.SpaceHead:
		k.Space = drive.SpaceObject
	case drive.SpaceVersion, drive.SpaceAttributes:
		if key, _, ok := splitVersion(k.Name); ok {
			k.Space, k.Name = drive.SpaceObject, string(key)
		}
	}
	return k
}

// lockID is the lock of a register.
func lockID(k drive.Key) lock.ID {
	k = owner(k)
	return lock.ID{Space: uint8(k.Space), Bucket: k.Bucket, Name: k.Name}
}
