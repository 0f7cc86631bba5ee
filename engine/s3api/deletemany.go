package s3api

import (
	"errors"
	"io"
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
	wanted, err := readDocument(h, rq, true, func(r io.Reader) (s3xml.Delete, error) {
		return s3xml.DecodeDelete(r, object.DeleteKeysMax)
	})
	if err != nil {
		return err
	}
	if _, err := h.store.Bucket(rq.ctx, rq.bucket); err != nil {
		return err
	}
	bypass := rq.wantsBypass()
	if err := h.checkBypass(rq); err != nil {
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
				lines[i] = h.deleteOne(rq, &wanted.Objects[i], bypass)
			}
		})
	}
	workers.Wait()
	return rq.xml(s3xml.AppendDeleteResult(rq.list(len(lines)), wanted.Quiet, lines))
}

// deleteOne authorizes and deletes one key of many. Several run at once, so rq is only read, and
// its memory left alone.
func (h *Handler) deleteOne(rq *request, o *s3xml.DeleteObject, bypass bool) s3xml.Deleted {
	line := s3xml.Deleted{Key: o.Key, VersionID: o.VersionID}
	done, err := h.tryDelete(rq, o, bypass)
	if err == nil {
		line.Marker = done.Marker
		line.MarkerID = string(done.Version)
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

func (h *Handler) tryDelete(rq *request, o *s3xml.DeleteObject, bypass bool) (done object.Deleted,
	err error) {
	action := "s3:DeleteObject"
	if o.VersionID != "" {
		action = "s3:DeleteObjectVersion"
	}
	if !h.allows(rq, action, string(rq.bucket), o.Key) {
		return done, s3err.AccessDenied
	}
	d := object.Delete{Ref: object.Ref{Bucket: rq.bucket}}
	d.Bypass = bypass && h.mayBypass(rq, o.Key)
	if d.Key, err = object.ValidateKey(o.Key); err != nil {
		return done, err
	}
	if o.VersionID != "" {
		if d.Version, err = parseVersion(o.VersionID); err != nil {
			return done, s3err.NoSuchVersion // one line of many is wrong, not the request
		}
	}
	if o.HasETag {
		d.If.Match = []string{o.ETag}
	}
	return h.store.DeleteObject(rq.ctx, &d)
}
