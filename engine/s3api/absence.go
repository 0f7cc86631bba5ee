package s3api

import "flashstore/engine/s3err"

// hideAbsence answers who may not list a bucket that access is denied, in place of saying that a
// key is not there: "If you don't have the s3:ListBucket permission, Amazon S3 returns 403 Access
// Denied" (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). Of a copy it is the
// source's bucket that counts.
func (h *Handler) hideAbsence(rq *request, bucket string, err error) error {
	if err == nil || err == errNotNow {
		return err
	}
	if e, _ := s3err.Of(err); e.Code != s3err.NoSuchKey.Code {
		return err
	}
	if rq.op == OpCopyObject || rq.op == OpUploadPartCopy {
		field, _ := rq.header(copySourceField)
		if from, fault := parseCopySource(field); fault == nil {
			bucket = from.bucket
		}
	}
	if h.allows(rq, "s3:ListBucket", bucket, "") {
		return err
	}
	return s3err.AccessDenied
}
