package s3api

import "flashstore/engine/object"

// deleteObject removes a key; it is there or not, unless If-Match wants it there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html).
func (h *Handler) deleteObject(rq *request) error {
	if err := rq.checkVersion(); err != nil {
		return err
	}
	d := object.Delete{Ref: rq.ref(), If: rq.condition()}
	if _, err := h.store.DeleteObject(rq.ctx, &d); err != nil {
		return err
	}
	return rq.empty(204)
}
