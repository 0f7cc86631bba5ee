package s3xml

import "flashstore/engine/object"

// AppendCreatedUpload writes an InitiateMultipartUploadResult.
func AppendCreatedUpload(buf []byte, bucket, key, id string) []byte {
	w := NewWriter(buf)
	w.Root("InitiateMultipartUploadResult")
	w.Text("Bucket", bucket)
	w.Text("Key", key)
	w.Text("UploadId", id)
	w.Close("InitiateMultipartUploadResult")
	return w.Bytes()
}

// AppendCompleted writes a CompleteMultipartUploadResult.
func AppendCompleted(buf []byte, location, bucket string, info *object.Info) []byte {
	w := NewWriter(buf)
	w.Root("CompleteMultipartUploadResult")
	w.Text("Location", location)
	w.Text("Bucket", bucket)
	w.Text("Key", string(info.Key))
	w.ETag(info.ETag)
	checksum(w, info.Checksum)
	if info.Checksum.Algorithm != "" {
		w.Text("ChecksumType", info.Checksum.Type)
	}
	w.Close("CompleteMultipartUploadResult")
	return w.Bytes()
}

func checksum(w *Writer, sum object.Checksum) {
	if sum.Value != "" {
		w.Text("Checksum"+sum.Algorithm, sum.Value)
	}
}

// ListParts is the answer of that name.
type ListParts struct {
	Bucket, Key, UploadID string
	Owner                 User
	Checksum              object.Checksum // algorithm and type of the upload
	After, Max            int
	Parts                 []object.Part
	Truncated             bool
	Class                 object.Class
}

// Append writes the document into buf.
func (l *ListParts) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.Root("ListPartsResult")
	w.Text("Bucket", l.Bucket)
	w.Text("Key", l.Key)
	w.Text("UploadId", l.UploadID)
	w.Owner("Initiator", l.Owner.ID, l.Owner.DisplayName)
	w.Owner("Owner", l.Owner.ID, l.Owner.DisplayName)
	w.Text("StorageClass", string(l.Class))
	w.Int("PartNumberMarker", int64(l.After))
	if l.Truncated && len(l.Parts) > 0 {
		w.Int("NextPartNumberMarker", int64(l.Parts[len(l.Parts)-1].Number))
	}
	w.Int("MaxParts", int64(l.Max))
	w.Bool("IsTruncated", l.Truncated)
	if l.Checksum.Algorithm != "" {
		w.Text("ChecksumAlgorithm", l.Checksum.Algorithm)
		w.Text("ChecksumType", l.Checksum.Type)
	}
	for i := range l.Parts {
		part(w, &l.Parts[i])
	}
	w.Close("ListPartsResult")
	return w.Bytes()
}

func part(w *Writer, p *object.Part) {
	w.Open("Part")
	w.Int("PartNumber", int64(p.Number))
	w.Time("LastModified", p.Info.ModTime)
	w.ETag(p.Info.ETag)
	w.Int("Size", p.Info.SizeBytes)
	checksum(w, p.Info.Checksum)
	w.Close("Part")
}

// ListUploads is the answer to ListMultipartUploads.
type ListUploads struct {
	Bucket, Prefix, Delimiter, EncodingType string
	KeyMarker, IDMarker                     string
	NextKeyMarker, NextIDMarker             string
	Max                                     int
	Truncated                               bool
	Owner                                   User
	Uploads                                 []object.Upload
	CommonPrefixes                          []string
}

// Append writes the document into buf.
func (l *ListUploads) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.URL = l.EncodingType == "url"
	w.Root("ListMultipartUploadsResult")
	w.Text("Bucket", l.Bucket)
	w.Name("KeyMarker", l.KeyMarker)
	w.Text("UploadIdMarker", l.IDMarker)
	if l.Truncated {
		w.Name("NextKeyMarker", l.NextKeyMarker)
		w.Text("NextUploadIdMarker", l.NextIDMarker)
	}
	w.Name("Prefix", l.Prefix)
	optionalNames(w, l.Delimiter, l.EncodingType)
	w.Int("MaxUploads", int64(l.Max))
	w.Bool("IsTruncated", l.Truncated)
	for i := range l.Uploads {
		l.upload(w, &l.Uploads[i])
	}
	for _, p := range l.CommonPrefixes {
		commonPrefix(w, p)
	}
	w.Close("ListMultipartUploadsResult")
	return w.Bytes()
}

func (l *ListUploads) upload(w *Writer, u *object.Upload) {
	w.Open("Upload")
	w.Name("Key", string(u.Key))
	w.Text("UploadId", string(u.ID))
	w.Owner("Initiator", l.Owner.ID, l.Owner.DisplayName)
	w.Owner("Owner", l.Owner.ID, l.Owner.DisplayName)
	w.Text("StorageClass", string(object.ClassOf(u.Info.Headers)))
	w.Time("Initiated", u.Info.ModTime)
	if u.Info.Checksum.Algorithm != "" {
		w.Text("ChecksumAlgorithm", u.Info.Checksum.Algorithm)
		w.Text("ChecksumType", u.Info.Checksum.Type)
	}
	w.Close("Upload")
}
