package s3api

import "flashstore/engine/object"

// putObject stores an object
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
func (h *Handler) putObject(rq *request) error {
	fields, attributes, err := h.newObject(rq)
	if err != nil {
		return err
	}
	only, err := rq.condition()
	if err != nil {
		return err
	}
	if err := rq.requireLength(); err != nil {
		return err
	}
	body, err := h.openBody(rq, noChecksum)
	if err != nil {
		return err
	}
	defer body.close(h)
	if err := h.requireDigest(rq, &body.claims, &attributes, "Put Object"); err != nil {
		return err
	}
	info, err := h.store.PutObject(rq.ctx, &object.Put{
		Bucket: rq.bucket, Key: rq.key, SizeBytes: body.size, Headers: fields,
		Attributes: attributes, Body: body, Seal: body.seal, If: only,
	})
	if err != nil {
		return err
	}
	rq.made(info.Version)
	rq.etag(info.ETag)
	rq.checksum(info.Checksum)
	return rq.empty(200)
}
