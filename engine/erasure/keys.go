package erasure

import (
	"encoding/binary"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

const bucketPrefix = "bucket/" // of document names

// bucketKey is the register of a bucket's document.
func bucketKey(name object.BucketName) drive.Key {
	return drive.Key{Space: drive.SpaceDocument, Name: bucketPrefix + string(name)}
}

// objectKey is the register of an object.
func objectKey(b *bucket, key object.Key) drive.Key {
	return drive.Key{Space: drive.SpaceObject, Bucket: b.id, Name: string(key)}
}

// uploadKey is the register of an upload: key, NUL, upload id.
func uploadKey(b *bucket, key object.Key, u uploadID) drive.Key {
	return drive.Key{Space: drive.SpaceUpload, Bucket: b.id,
		Name: string(key) + "\x00" + string(u[:])}
}

// partKey is the register of a part: upload id, part number.
func partKey(b *bucket, u uploadID, number int) drive.Key {
	return drive.Key{Space: drive.SpacePart, Bucket: b.id,
		Name: string(binary.BigEndian.AppendUint16(u[:], uint16(number)))}
}

func partRotation(key drive.Key, n int) int { return rotation(slot("", key.Name), n) }

// lockID is the lock of a register.
func lockID(k drive.Key) lock.ID {
	return lock.ID{Space: uint8(k.Space), Bucket: k.Bucket, Name: k.Name}
}
