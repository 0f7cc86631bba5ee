package s3xml

import "flashstore/engine/object"

// Attributes is the answer to GetObjectAttributes; what is not asked for is left at its zero value.
type Attributes struct {
	ETag     string
	Checksum object.Checksum
	Parts    *AttributeParts
	Class    object.Class
	// SizeBytes is shown with Sized.
	Sized     bool
	SizeBytes int64
}

// AttributeParts is one page of the parts of a multipart object.
type AttributeParts struct {
	Count int
	// Listed: there is more to be shown than their number.
	Listed     bool
	After, Max int
	Parts      []object.Part
	Truncated  bool
}

// Append writes the document into buf. The ETag stands without quotes, as in S3.
func (a *Attributes) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.Root("GetObjectAttributesResponse")
	if a.ETag != "" {
		w.Text("ETag", a.ETag)
	}
	if a.Checksum.Value != "" {
		w.Open("Checksum")
		checksum(w, a.Checksum)
		w.Text("ChecksumType", a.Checksum.Type)
		w.Close("Checksum")
	}
	if a.Parts != nil {
		a.Parts.write(w)
	}
	if a.Class != "" {
		w.Text("StorageClass", string(a.Class))
	}
	if a.Sized {
		w.Int("ObjectSize", a.SizeBytes)
	}
	w.Close("GetObjectAttributesResponse")
	return w.Bytes()
}

func (p *AttributeParts) write(w *Writer) {
	w.Open("ObjectParts")
	if p.Listed {
		p.list(w)
	}
	w.Int("PartsCount", int64(p.Count))
	w.Close("ObjectParts")
}

func (p *AttributeParts) list(w *Writer) {
	w.Bool("IsTruncated", p.Truncated)
	w.Int("MaxParts", int64(p.Max))
	next := 0
	if len(p.Parts) > 0 {
		next = p.Parts[len(p.Parts)-1].Number
	}
	w.Int("NextPartNumberMarker", int64(next))
	w.Int("PartNumberMarker", int64(p.After))
	for i := range p.Parts {
		w.Open("Part")
		w.Int("PartNumber", int64(p.Parts[i].Number))
		w.Int("Size", p.Parts[i].Info.SizeBytes)
		checksum(w, p.Parts[i].Info.Checksum)
		w.Close("Part")
	}
}
