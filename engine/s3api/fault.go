package s3api

import (
	"errors"
	"log/slog"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// fail answers with err, or breaks the connection if an answer is already on its way.
func (h *Handler) fail(rq *request, err error) {
	e, foreseen := s3err.Of(err)
	if !foreseen || e == s3err.InternalError {
		h.config.Log.Error("request failed", slog.String("request_id", string(rq.id)),
			slog.String("op", rq.op.String()),
			slog.String("bucket", strings.Clone(string(rq.bucket))),
			slog.String("key", strings.Clone(string(rq.key))), slog.Any("error", err))
	}
	ex := rq.ex
	if ex.HeadSent() {
		ex.Abort()
		return
	}
	rq.markerFields(err)
	e = rq.detailed(e)
	ex.SetStatus(e.Status)
	if e.Status == s3err.NotModified.Status || string(ex.Request.Method) == "HEAD" {
		ex.SetContentLength(0)
		return
	}
	doc := s3xml.AppendError(rq.document(smallDocument), s3xml.Error{
		Code: e.Code, Message: e.Message, Resource: string(ex.Request.Path),
		RequestID: string(rq.id), HostID: h.config.HostID, Extra: e.Extra,
	})
	if err := rq.xml(doc); err != nil {
		ex.Abort()
	}
}

// detailed returns e with what S3 says beside the message of some errors: what there is not, or
// which method is not allowed. A copy has two keys and two buckets, and e does not say whose it is.
func (rq *request) detailed(e *s3err.Error) *s3err.Error {
	if rq.op == OpCopyObject || rq.op == OpUploadPartCopy {
		return e
	}
	switch e.Code {
	case s3err.NoSuchBucket.Code, s3err.BucketNotEmpty.Code, s3err.BucketAlreadyOwnedByYou.Code:
		return e.Detail("BucketName", string(rq.bucket))
	case s3err.NoSuchKey.Code:
		return e.Detail("Key", string(rq.key))
	case s3err.NoSuchVersion.Code:
		id, _, _ := rq.param("versionId")
		return e.Detail("Key", string(rq.key)).Detail("VersionId", id)
	case s3err.NoSuchUpload.Code:
		id, _, _ := rq.param("uploadId")
		return e.Detail("UploadId", id)
	case s3err.MethodNotAllowed.Code:
		method := *e // the method stands before what it was asked of
		method.Extra = append([][2]string{{"Method", string(rq.ex.Request.Method)}}, e.Extra...)
		return &method
	}
	return e
}

// markerFields tells of a delete marker, which was asked for or stands in the way.
func (rq *request) markerFields(err error) {
	var marker *object.MarkerError
	if !errors.As(err, &marker) {
		return
	}
	rq.field("x-amz-delete-marker", "true")
	rq.version(marker.Info.Version)
	if marker.Asked {
		rq.lastModified(&marker.Info)
		rq.field("Allow", "DELETE")
	}
}
