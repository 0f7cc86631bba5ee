package s3xml

import (
	"errors"
	"io"
	"strings"

	"flashstore/engine/object"
)

const versioningBytesMax = 64 << 10

// Versioning is what PutBucketVersioning asks for; both are "" where they were left out.
type Versioning struct{ Status, MFADelete string }

// DecodeVersioning decodes a VersioningConfiguration.
func DecodeVersioning(r io.Reader) (Versioning, error) {
	var v Versioning
	var seen struct{ status, mfa bool }
	s := newScanner(r, versioningBytesMax)
	err := s.document("VersioningConfiguration", func(name string) error {
		switch name {
		case "Status":
			return s.choice(&v.Status, &seen.status, "Enabled", "Suspended")
		case "MfaDelete":
			return s.choice(&v.MFADelete, &seen.mfa, "Enabled", "Disabled")
		}
		return s.unknown(name)
	})
	return v, err
}

// choice is text that is one of a few words.
func (s *scanner) choice(into *string, seen *bool, words ...string) error {
	if err := s.text(into, seen); err != nil {
		return err
	}
	*into = strings.TrimSpace(*into)
	for _, word := range words {
		if *into == word {
			return nil
		}
	}
	return s.fault(errors.New("a word that is not in the schema"))
}

// AppendVersioning writes the VersioningConfiguration of a bucket; one that never had versions says
// nothing.
func AppendVersioning(buf []byte, status object.Versioning) []byte {
	w := NewWriter(buf)
	w.Root("VersioningConfiguration")
	if status != object.Unversioned {
		w.Text("Status", string(status))
	}
	w.Close("VersioningConfiguration")
	return w.Bytes()
}

// ListVersions is the answer to ListObjectVersions.
type ListVersions struct {
	Bucket, Prefix, Delimiter, EncodingType string
	KeyMarker                               string
	VersionMarker                           object.VersionID
	NextKey                                 string
	NextVersion                             object.VersionID
	MaxKeys                                 int
	Truncated                               bool
	Entries                                 []object.VersionEntry
	Owner                                   User
}

// Append writes the document into buf.
func (l *ListVersions) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.URL = l.EncodingType == "url"
	w.Root("ListVersionsResult")
	w.Text("Name", l.Bucket)
	w.Name("Prefix", l.Prefix)
	w.Name("KeyMarker", l.KeyMarker)
	w.Text("VersionIdMarker", string(l.VersionMarker))
	if l.Truncated {
		w.Name("NextKeyMarker", l.NextKey)
		if l.NextVersion != object.Newest {
			w.Text("NextVersionIdMarker", string(l.NextVersion))
		}
	}
	w.Int("MaxKeys", int64(l.MaxKeys))
	optionalNames(w, l.Delimiter, l.EncodingType)
	w.Bool("IsTruncated", l.Truncated)
	for i := range l.Entries {
		if l.Entries[i].Prefix == "" {
			l.version(w, &l.Entries[i])
		}
	}
	for i := range l.Entries {
		if p := l.Entries[i].Prefix; p != "" {
			commonPrefix(w, p)
		}
	}
	w.Close("ListVersionsResult")
	return w.Bytes()
}

func (l *ListVersions) version(w *Writer, e *object.VersionEntry) {
	element := "Version"
	if e.Info.Marker {
		element = "DeleteMarker"
	}
	id := e.Info.Version
	if id == object.Newest {
		id = object.NullVersion // of a bucket that never had versioning
	}
	w.Open(element)
	w.Name("Key", string(e.Info.Key))
	w.Text("VersionId", string(id))
	w.Bool("IsLatest", e.Newest)
	w.Time("LastModified", e.Info.ModTime)
	if !e.Info.Marker {
		w.ETag(e.Info.ETag)
		if e.Info.Checksum.Algorithm != "" {
			w.Text("ChecksumAlgorithm", e.Info.Checksum.Algorithm)
			w.Text("ChecksumType", e.Info.Checksum.Type)
		}
		w.Int("Size", e.Info.SizeBytes)
		w.Text("StorageClass", string(object.ClassOf(e.Info.Headers)))
	}
	w.Owner("Owner", l.Owner.ID, l.Owner.DisplayName)
	w.Close(element)
}
