package s3xml

import "flashstore/engine/object"

// User is who owns what; S3 shows it in lists.
type User struct{ ID, DisplayName string }

// ListBuckets is the answer of that name.
type ListBuckets struct {
	Owner             User
	Buckets           []object.BucketInfo
	Prefix            string
	ContinuationToken string // of the next page, "" on the last
}

// Append writes the document into buf.
func (l *ListBuckets) Append(buf []byte) []byte {
	w := NewWriter(buf)
	w.Root("ListAllMyBucketsResult")
	w.Owner("Owner", l.Owner.ID, l.Owner.DisplayName)
	w.Open("Buckets")
	for _, b := range l.Buckets {
		w.Open("Bucket")
		w.Text("Name", string(b.Name))
		w.Time("CreationDate", b.Created)
		w.Close("Bucket")
	}
	w.Close("Buckets")
	if l.Prefix != "" {
		w.Text("Prefix", l.Prefix)
	}
	if l.ContinuationToken != "" {
		w.Text("ContinuationToken", l.ContinuationToken)
	}
	w.Close("ListAllMyBucketsResult")
	return w.Bytes()
}

// AppendLocation writes a LocationConstraint; region is "" for us-east-1.
func AppendLocation(buf []byte, region string) []byte {
	w := NewWriter(buf)
	w.Root("LocationConstraint")
	w.buf = AppendEscaped(w.buf, region)
	w.Close("LocationConstraint")
	return w.Bytes()
}
