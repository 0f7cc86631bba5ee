package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3xml"
)

// putObjectTagging replaces the tags of a version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html).
func (h *Handler) putObjectTagging(rq *request) error {
	tags, err := readDocument(h, rq, false, s3xml.DecodeTagging)
	if err != nil {
		return err
	}
	if tags, err = checkTags(tags); err != nil {
		return err
	}
	return h.setTags(rq, tags, 200)
}

// deleteObjectTagging takes all tags off a version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html).
func (h *Handler) deleteObjectTagging(rq *request) error { return h.setTags(rq, nil, 204) }

func (h *Handler) setTags(rq *request, tags []object.Pair, status int) error {
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	info, err := h.store.SetAttributes(rq.ctx, ref, func(info *object.Info) error {
		info.Attributes.Tags = tags
		return nil
	})
	if err != nil {
		return err
	}
	rq.version(info.Version)
	return rq.empty(status)
}

// getObjectTagging tells the tags of a version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html).
func (h *Handler) getObjectTagging(rq *request) error {
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	info, err := h.store.Stat(rq.ctx, ref)
	if err != nil {
		return err
	}
	rq.version(info.Version)
	return rq.xml(s3xml.AppendTagging(rq.list(len(info.Attributes.Tags)), info.Attributes.Tags))
}
