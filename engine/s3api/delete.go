package s3api

// deleteObject removes a key; it is there or not, unless If-Match wants it there
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html).
func (h *Handler) deleteObject(rq *request) error {
	if err := rq.checkVersion(); err != nil {
		return err
	}
	if err := h.store.DeleteIf(rq.ctx, rq.bucket, rq.key, rq.condition()); err != nil {
		return err
	}
	return rq.empty(204)
}
