package s3api

import (
	"errors"
	"log/slog"
	"sync"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// deleteWorkers is how many keys of one request are deleted at once: enough to share group
// commits, few beside other requests.
const deleteWorkers = 16

// deleteObjects removes up to 1,000 keys, each on its own
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
func (h *Handler) deleteObjects(rq *request) error {
	body, err := h.openBody(rq, noChecksum)
	if err != nil {
		return err
	}
	defer body.close(h)
	if !body.claims.hasMD5 && body.claims.algo == noChecksum {
		return s3err.InvalidRequest.With(
			"Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	wanted, err := s3xml.DecodeDelete(body, object.DeleteKeysMax)
	if err != nil {
		return err
	}
	if err := body.verify(); err != nil {
		return err
	}
	if _, err := h.store.Bucket(rq.ctx, rq.bucket); err != nil {
		return err
	}
	lines := make([]s3xml.Deleted, len(wanted.Objects))
	var next sync.Mutex
	at := 0
	var workers sync.WaitGroup
	for range min(deleteWorkers, len(lines)) {
		workers.Go(func() {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= len(lines) {
					return
				}
				lines[i] = h.deleteOne(rq, &wanted.Objects[i])
			}
		})
	}
	workers.Wait()
	return rq.xml(s3xml.AppendDeleteResult(rq.list(len(lines)), wanted.Quiet, lines))
}

// deleteOne authorizes and deletes one key of many. It reads rq only: several run at once.
func (h *Handler) deleteOne(rq *request, o *s3xml.DeleteObject) s3xml.Deleted {
	line := s3xml.Deleted{Key: o.Key, VersionID: o.VersionID}
	err := h.tryDelete(rq, o)
	if err == nil {
		return line
	}
	e, foreseen := s3err.Of(err)
	if !foreseen || errors.Is(e, s3err.InternalError) {
		h.config.Log.Error("delete failed", slog.String("request_id", string(rq.id[:])),
			slog.String("bucket", string(rq.bucket)), slog.String("key", o.Key),
			slog.Any("error", err))
	}
	line.Code, line.Message = e.Code, e.Message
	return line
}

func (h *Handler) tryDelete(rq *request, o *s3xml.DeleteObject) error {
	if !h.config.Authorizer.Authorize(rq.auth.AccessKey, "s3:DeleteObject",
		string(rq.bucket), o.Key) {
		return s3err.AccessDenied
	}
	key, err := object.ValidateKey(o.Key)
	switch {
	case err != nil:
		return err
	case o.Conditional:
		return s3err.NotImplemented
	case o.VersionID != "" && o.VersionID != "null":
		return s3err.NoSuchVersion
	}
	_, err = h.store.DeleteObject(rq.ctx,
		&object.Delete{Ref: object.Ref{Bucket: rq.bucket, Key: key}})
	return err
}
