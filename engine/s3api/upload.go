package s3api

import (
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// createUpload begins a multipart upload
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html).
func (h *Handler) createUpload(rq *request) error {
	fields, attributes, err := h.newObject(rq)
	if err != nil {
		return err
	}
	sum, err := rq.uploadChecksum()
	if err != nil {
		return err
	}
	id, err := h.store.CreateUpload(rq.ctx, &object.NewUpload{Bucket: rq.bucket, Key: rq.key,
		Headers: fields, Checksum: sum, Attributes: attributes})
	if err != nil {
		return err
	}
	if sum.Algorithm != "" {
		rq.field("x-amz-checksum-algorithm", sum.Algorithm)
		rq.field("x-amz-checksum-type", sum.Type)
	}
	return rq.xml(s3xml.AppendCreatedUpload(rq.document(smallDocument),
		string(rq.bucket), string(rq.key), string(id)))
}

// uploadChecksum is the checksum a new upload asks for, without value; it has no algorithm
// where the client leaves the choice to the server.
// Errors: InvalidRequest.
func (rq *request) uploadChecksum() (object.Checksum, error) {
	var none object.Checksum
	name, given := rq.header("x-amz-checksum-algorithm")
	kind, typed := rq.header("x-amz-checksum-type")
	kind = strings.ToUpper(kind)
	if !given {
		if typed {
			return none, s3err.InvalidRequest.With("The x-amz-checksum-type header can only be " +
				"used with the x-amz-checksum-algorithm header.")
		}
		return none, nil
	}
	a, known := algorithmOf(name)
	if !known {
		return none, errChecksumAlgorithm()
	}
	if !typed {
		if kind = composite; a == sumCRC64NVME {
			kind = fullObject
		}
	}
	switch {
	case kind == fullObject && a.linear(), kind == composite && a != sumCRC64NVME:
		return object.Checksum{Algorithm: a.String(), Type: kind}, nil
	case kind == fullObject || kind == composite:
		return none, s3err.InvalidRequest.With("The " + kind + " checksum type cannot be used " +
			"with the " + strings.ToLower(a.String()) + " checksum algorithm.")
	}
	return none, s3err.InvalidRequest.With("Value for x-amz-checksum-type header is invalid.")
}

// errChecksumAlgorithm: x-amz-checksum-algorithm names none that is known.
func errChecksumAlgorithm() error {
	return s3err.InvalidRequest.With("Checksum algorithm provided is unsupported. " +
		"Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// uploadID returns the upload a request names. Errors: NoSuchUpload for what is not an id.
func (rq *request) uploadID() (object.UploadID, error) {
	id, _, err := rq.param("uploadId")
	if err != nil {
		return "", err
	}
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", s3err.NoSuchUpload
	}
	return object.UploadID(id), nil
}

// abortUpload drops an upload.
func (h *Handler) abortUpload(rq *request) error {
	id, err := rq.uploadID()
	if err != nil {
		return err
	}
	if err := h.store.AbortUpload(rq.ctx, rq.bucket, rq.key, id); err != nil {
		return err
	}
	return rq.empty(204)
}
