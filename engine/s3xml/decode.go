package s3xml

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of the documents clients send, in bytes.
const (
	createBucketBytesMax = 64 << 10
	// 1,000 keys of 1,024 bytes and 60 bytes of tags each, and room for escapes.
	deleteBytesMax = 2 << 20
	// 10,000 parts with the longest checksum are about 210 bytes each, white space on top.
	completeBytesMax = 4 << 20
)

// DecodeCreateBucket decodes a CreateBucketConfiguration and returns its LocationConstraint; an
// empty body is one too. ErrUnsupported for tags and directory buckets.
func DecodeCreateBucket(r io.Reader) (location string, err error) {
	s := newScanner(r, createBucketBytesMax)
	var seen bool
	err = s.document("CreateBucketConfiguration", func(name string) error {
		switch name {
		case "LocationConstraint":
			return s.text(&location, &seen)
		case "Location", "Bucket", "Tags":
			return fmt.Errorf("%w: %s", ErrUnsupported, name)
		}
		return s.unknown(name)
	})
	if err != nil && s.src.err == nil && s.src.passed == 0 {
		return "", nil
	}
	return strings.TrimSpace(location), err
}

// Delete is what DeleteObjects asks for.
type Delete struct {
	Quiet   bool
	Objects []DeleteObject
}

// DeleteObject names one object to delete.
type DeleteObject struct {
	Key       string
	VersionID string
	// ETag, without quotes, is the one that the object must have, if HasETag.
	ETag    string
	HasETag bool
}

// DecodeDelete decodes a Delete of 1 to max objects. Keys are returned as they were sent,
// unchecked but for being there.
func DecodeDelete(r io.Reader, max int) (Delete, error) {
	var d Delete
	var quiet string
	var seenQuiet bool
	s := newScanner(r, deleteBytesMax)
	err := s.document("Delete", func(name string) error {
		switch name {
		case "Quiet":
			return s.text(&quiet, &seenQuiet)
		case "Object":
			if len(d.Objects) == max {
				return s.fault(errors.New("too many objects"))
			}
			object, err := s.deleteObject()
			d.Objects = append(d.Objects, object)
			return err
		}
		return s.unknown(name)
	})
	if err != nil {
		return Delete{}, err
	}
	if len(d.Objects) == 0 {
		return Delete{}, s.fault(errors.New("no object"))
	}
	if seenQuiet {
		d.Quiet, err = s.bool(quiet)
	}
	return d, err
}

func (s *scanner) deleteObject() (DeleteObject, error) {
	var o DeleteObject
	var seen struct{ key, version, etag bool }
	err := s.children(func(name string) error {
		switch name {
		case "Key":
			return s.text(&o.Key, &seen.key)
		case "VersionId":
			return s.text(&o.VersionID, &seen.version)
		case "ETag":
			return s.text(&o.ETag, &seen.etag)
		}
		return s.unknown(name) // LastModifiedTime and Size are of directory buckets
	})
	if err == nil && o.Key == "" {
		err = s.fault(errors.New("an object without key"))
	}
	o.ETag, o.HasETag = Unquote(strings.TrimSpace(o.ETag)), seen.etag
	return o, err
}

// CompletePart is one part of a CompleteMultipartUpload.
type CompletePart struct {
	Number    int
	ETag      string // without quotes
	Algorithm string // of the checksum: CRC32, CRC32C, CRC64NVME, SHA1, SHA256; or ""
	Checksum  string // base64
}

// DecodeComplete decodes a CompleteMultipartUpload of 1 to max parts, in the order they came.
func DecodeComplete(r io.Reader, max int) ([]CompletePart, error) {
	var parts []CompletePart
	s := newScanner(r, completeBytesMax)
	err := s.document("CompleteMultipartUpload", func(name string) error {
		if name != "Part" {
			return s.unknown(name)
		}
		if len(parts) == max {
			return s.fault(errors.New("too many parts"))
		}
		part, err := s.completePart(max)
		parts = append(parts, part)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, s.fault(errors.New("no part"))
	}
	return parts, nil
}

func (s *scanner) completePart(numberMax int) (CompletePart, error) {
	var p CompletePart
	var number string
	var seen struct{ number, etag, sum bool }
	err := s.children(func(name string) error {
		switch name {
		case "PartNumber":
			return s.text(&number, &seen.number)
		case "ETag":
			return s.text(&p.ETag, &seen.etag)
		case "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1",
			"ChecksumSHA256":
			p.Algorithm = strings.TrimPrefix(name, "Checksum")
			return s.text(&p.Checksum, &seen.sum)
		}
		return s.unknown(name)
	})
	if err != nil {
		return p, err
	}
	p.Number, err = strconv.Atoi(strings.TrimSpace(number))
	if err != nil || p.Number < 1 || p.Number > numberMax {
		return p, s.fault(errors.New("a part number out of range"))
	}
	p.ETag = Unquote(strings.TrimSpace(p.ETag))
	if p.ETag == "" {
		return p, s.fault(errors.New("a part without ETag"))
	}
	return p, nil
}

// Unquote takes the quotes off an entity tag.
func Unquote(etag string) string {
	if len(etag) >= 2 && etag[0] == '"' && etag[len(etag)-1] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}

func (s *scanner) bool(text string) (bool, error) {
	switch strings.TrimSpace(text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, s.fault(errors.New("neither true nor false"))
}
