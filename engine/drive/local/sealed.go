package local

import (
	"errors"
	"fmt"
	"io/fs"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

const (
	sealedMagicBytes = 8
	sealedHeadBytes  = sealedMagicBytes + sumBytes + 16
)

// seal returns a small file of the drive with an incarnation: magic, checksum of what follows,
// incarnation, content.
func seal(magic string, incarnation [16]byte, content []byte) []byte {
	b := append(make([]byte, 0, sealedHeadBytes+len(content)), magic...)
	b = append(b, make([]byte, sumBytes)...)
	b = append(append(b, incarnation[:]...), content...)
	putSum(b[sealedMagicBytes:], b[sealedMagicBytes+sumBytes:])
	return b
}

// unseal returns the content of what seal made.
func unseal(b []byte, magic string, incarnation [16]byte) (content []byte, err error) {
	const summed = sealedMagicBytes + sumBytes
	if len(b) < sealedHeadBytes || string(b[:sealedMagicBytes]) != magic {
		return nil, errors.New("it has another magic number")
	}
	if !sumMatches(b[sealedMagicBytes:summed], b[summed:]) {
		return nil, errShardSum
	}
	if [16]byte(b[summed:]) != incarnation {
		return nil, errors.New("it belongs to another drive")
	}
	return b[sealedHeadBytes:], nil
}

// readSealed gives the content of a sealed file to parse; found is false if there is no such file.
// Errors: drive.ErrCorrupt with the advice if the file is damaged, and others, which may pass.
func readSealed(e ioengine.Engine, path, magic string, incarnation [16]byte, bytesMax int64,
	advice string, parse func(content []byte) error) (found bool, err error) {
	text, err := readWhole(e, path, bytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return true, err // it may be as good as ever
	}
	if err == nil {
		var content []byte
		if content, err = unseal(text, magic, incarnation); err == nil {
			err = parse(content)
		}
	}
	if err != nil {
		err = damaged(fmt.Sprintf("drive: %s is damaged (%v): %s", path, err, advice))
	}
	return true, err
}

// damaged is damage that no checksum of a shard told of: its text is all there is to say, its class
// is drive.ErrCorrupt.
type damaged string

func (e damaged) Error() string { return string(e) }
func (damaged) Unwrap() error   { return drive.ErrCorrupt }

// lost says that a file of the log is missing, how that is known, and what to do.
func lost(file, known string) error {
	return damaged(fmt.Sprintf("drive: %s is missing, %s: bring it back, or %s", file, known,
		replaceAdvice))
}

// replaceAdvice is what to do about a drive that cannot be mended.
const replaceAdvice = "replace the drive by an empty directory and heal"
