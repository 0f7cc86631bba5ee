package s3xml

// AppendPosted writes a PostResponse, which has no namespace.
func AppendPosted(buf []byte, location, bucket, key, etag string) []byte {
	w := NewWriter(buf)
	w.Open("PostResponse")
	w.Text("Location", location)
	w.Text("Bucket", bucket)
	w.Text("Key", key)
	w.ETag(etag)
	w.Close("PostResponse")
	return w.Bytes()
}
