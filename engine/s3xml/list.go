package s3xml

import "flashstore/engine/object"

// List is the answer to ListObjects (V1) and ListObjectsV2; fields of the other version are
// left at their zero values.
type List struct {
	V2           bool
	Bucket       string
	Prefix       string
	Delimiter    string
	EncodingType string // "" or url
	MaxKeys      int
	Truncated    bool
	Entries      []object.ListEntry
	Owner        *User // of every object; nil: not shown
	// Metadata of every entry; nil: not shown.
	Metadata []Metadata

	Marker, NextMarker string // V1

	StartAfter, Token, NextToken string // V2
}

// Metadata is what a list shows of an object beside what S3 shows.
type Metadata struct {
	Headers []object.Pair
	Tags    string // as in a query
}

// Append writes the document into buf.
func (l *List) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.URL = l.EncodingType == "url"
	w.Root("ListBucketResult")
	w.Text("Name", l.Bucket)
	w.Name("Prefix", l.Prefix)
	if l.V2 {
		l.headV2(w)
	} else {
		w.Name("Marker", l.Marker)
		if l.NextMarker != "" {
			w.Name("NextMarker", l.NextMarker)
		}
	}
	w.Int("MaxKeys", int64(l.MaxKeys))
	optionalNames(w, l.Delimiter, l.EncodingType)
	w.Bool("IsTruncated", l.Truncated)
	for i := range l.Entries {
		if l.Entries[i].Prefix == "" {
			l.object(w, i)
		}
	}
	for i := range l.Entries {
		if p := l.Entries[i].Prefix; p != "" {
			commonPrefix(w, p)
		}
	}
	w.Close("ListBucketResult")
	return w.Bytes()
}

func (l *List) headV2(w *Writer) {
	if l.StartAfter != "" {
		w.Name("StartAfter", l.StartAfter)
	}
	if l.Token != "" {
		w.Text("ContinuationToken", l.Token)
	}
	if l.NextToken != "" {
		w.Text("NextContinuationToken", l.NextToken)
	}
	w.Int("KeyCount", int64(len(l.Entries)))
}

func (l *List) object(w *Writer, i int) {
	info := &l.Entries[i].Info
	w.Open("Contents")
	w.Name("Key", string(info.Key))
	w.Time("LastModified", info.ModTime)
	w.ETag(info.ETag)
	if info.Checksum.Algorithm != "" {
		w.Text("ChecksumAlgorithm", info.Checksum.Algorithm)
		w.Text("ChecksumType", info.Checksum.Type)
	}
	w.Int("Size", info.SizeBytes)
	if l.Owner != nil {
		w.Owner("Owner", l.Owner.ID, l.Owner.DisplayName)
	}
	w.Text("StorageClass", string(object.ClassOf(info.Headers)))
	if l.Metadata != nil {
		l.Metadata[i].write(w)
	}
	w.Close("Contents")
}

func (m *Metadata) write(w *Writer) {
	if len(m.Headers) > 0 {
		w.Open("UserMetadata")
		for _, p := range m.Headers {
			if elementName(p.Name) {
				w.Text(p.Name, p.Value)
			}
		}
		w.Close("UserMetadata")
	}
	if m.Tags != "" {
		w.Text("UserTags", m.Tags)
	}
}

// elementName reports whether the name of a header field can be that of an element as well
// (https://www.w3.org/TR/xml/#NT-Name).
func elementName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

func optionalNames(w *Writer, delimiter, encodingType string) {
	if delimiter != "" {
		w.Name("Delimiter", delimiter)
	}
	if encodingType != "" {
		w.Text("EncodingType", encodingType)
	}
}

func commonPrefix(w *Writer, prefix string) {
	w.Open("CommonPrefixes")
	w.Name("Prefix", prefix)
	w.Close("CommonPrefixes")
}
