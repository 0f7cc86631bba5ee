package s3xml

import "flashstore/engine/object"

// AppendCopied writes the answer to CopyObject or UploadPartCopy, whose root is CopyObjectResult or
// CopyPartResult.
func AppendCopied(buf []byte, root string, info *object.Info) []byte {
	w := NewWriter(buf)
	w.Root(root)
	w.Time("LastModified", info.ModTime)
	w.ETag(info.ETag)
	checksum(w, info.Checksum)
	if info.Checksum.Algorithm != "" && root == "CopyObjectResult" {
		w.Text("ChecksumType", info.Checksum.Type)
	}
	w.Close(root)
	return w.Bytes()
}
