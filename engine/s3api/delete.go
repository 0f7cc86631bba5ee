package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// deleteObject removes a version for good, or makes a key absent; it is there or not, unless
// If-Match wants it there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html).
func (h *Handler) deleteObject(rq *request) error {
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	only, err := rq.condition()
	if err != nil {
		return err
	}
	if ref.Version != object.Newest && !only.None() { // S3 guards newest versions only
		return s3err.NotImplemented.Detail("Header", "If-Match")
	}
	if err := h.checkBypass(rq); err != nil {
		return err
	}
	done, err := h.store.DeleteObject(rq.ctx, &object.Delete{Ref: ref, If: only,
		Bypass: h.bypass(rq, string(rq.key))})
	if err != nil {
		return err
	}
	rq.version(done.Version)
	if done.Marker {
		rq.field("x-amz-delete-marker", "true")
	}
	return rq.empty(204)
}
