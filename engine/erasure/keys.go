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

// lockID is the lock of a register.
func lockID(k drive.Key) lock.ID {
	return lock.ID{Space: uint8(k.Space), Bucket: k.Bucket, Name: k.Name}
}
