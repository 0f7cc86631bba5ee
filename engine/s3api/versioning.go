package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// getBucketVersioning tells whether versions are kept; of a bucket where they never were it says
// nothing (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html).
func (h *Handler) getBucketVersioning(rq *request) error {
	bucket, err := h.store.Bucket(rq.ctx, rq.bucket)
	if err != nil {
		return err
	}
	return rq.xml(s3xml.AppendVersioning(rq.document(smallDocument), bucket.Settings.Versioning))
}

// putBucketVersioning enables or suspends versioning. Deleting with a second factor is not offered;
// S3 refuses to enable it to who does not come with one
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html).
func (h *Handler) putBucketVersioning(rq *request) error {
	asked, err := readDocument(h, rq, false, s3xml.DecodeVersioning)
	switch {
	case err != nil:
		return err
	case asked.MFADelete == "Enabled":
		return s3err.AccessDenied.With("Mfa Authentication must be used for this request")
	case asked.Status == "":
		return s3err.IllegalVersioningConfigurationException.With(
			"The Versioning element must be specified")
	}
	status := object.Versioning(asked.Status)
	err = h.store.SetBucket(rq.ctx, rq.bucket, func(s *object.BucketSettings) error {
		if s.Lock && status != object.Enabled {
			return object.ErrVersioning
		}
		s.Versioning = status
		return nil
	})
	if err != nil {
		return err
	}
	return rq.empty(200)
}
