package local

import (
	"encoding/binary"
	"errors"
	"path/filepath"
)

// indexOwnerName is a file in the folder of an index: whose it is, and of what version. It is not
// synced: nothing but the speed of a start depends on its being there.
const indexOwnerName = "owner"

func indexOwner(incarnation [16]byte) []byte {
	return binary.LittleEndian.AppendUint64(incarnation[:], indexVersion)
}

// own notes whose index the folder path holds.
func (x *index) own(path string, incarnation [16]byte) error {
	f, err := x.fs.Create(filepath.Join(path, indexOwnerName), "owner")
	if err != nil {
		return err
	}
	_, err = f.Write(indexOwner(incarnation))
	return errors.Join(err, f.Close())
}

// owns reports whether the folder path is known to hold the index of a drive, in the present
// version, without opening it.
func (c *Config) owns(path string, incarnation [16]byte) bool {
	want := indexOwner(incarnation)
	have, err := readWhole(c.Engine, filepath.Join(path, indexOwnerName), int64(len(want)))
	return err == nil && string(have) == string(want)
}
