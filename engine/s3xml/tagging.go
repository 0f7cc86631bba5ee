package s3xml

import (
	"errors"
	"io"

	"flashstore/engine/object"
)

// A document of 10 tags of 128 and 256 characters, each of 4 bytes or an entity, fits.
const taggingBytesMax = 64 << 10

// DecodeTagging decodes a Tagging. What a tag may be called, and how many there may be, is not
// looked at.
func DecodeTagging(r io.Reader) ([]object.Pair, error) {
	var tags []object.Pair
	var seen bool
	s := newScanner(r, taggingBytesMax)
	err := s.document("Tagging", func(name string) error {
		if name != "TagSet" || seen {
			return s.unknown(name)
		}
		seen = true
		return s.children(func(name string) error {
			if name != "Tag" {
				return s.unknown(name)
			}
			tag, err := s.tag()
			tags = append(tags, tag)
			return err
		})
	})
	if err == nil && !seen {
		err = s.fault(errors.New("no tag set"))
	}
	if err != nil {
		return nil, err
	}
	return tags, nil
}

func (s *scanner) tag() (tag object.Pair, err error) {
	var seen struct{ key, value bool }
	err = s.children(func(name string) error {
		switch name {
		case "Key":
			return s.text(&tag.Name, &seen.key)
		case "Value":
			return s.text(&tag.Value, &seen.value)
		}
		return s.unknown(name)
	})
	if err == nil && !(seen.key && seen.value) {
		err = s.fault(errors.New("a tag without key or value"))
	}
	return tag, err
}

// AppendTagging writes a Tagging.
func AppendTagging(buf []byte, tags []object.Pair) []byte {
	w := NewWriter(buf)
	w.Root("Tagging")
	w.Open("TagSet")
	for _, tag := range tags {
		w.Open("Tag")
		w.Text("Key", tag.Name)
		w.Text("Value", tag.Value)
		w.Close("Tag")
	}
	w.Close("TagSet")
	w.Close("Tagging")
	return w.Bytes()
}
