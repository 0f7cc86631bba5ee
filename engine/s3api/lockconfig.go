package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// The longest default retention of S3 is 100 years.
const (
	retentionDaysMax  = 36_500
	retentionYearsMax = 100
)

// getObjectLockConfiguration tells the object lock of a bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html).
func (h *Handler) getObjectLockConfiguration(rq *request) error {
	bucket, err := h.store.Bucket(rq.ctx, rq.bucket)
	if err != nil {
		return err
	}
	if !bucket.Settings.Lock {
		return s3err.ObjectLockConfigurationNotFoundError.Detail("BucketName", string(rq.bucket))
	}
	return rq.xml(s3xml.AppendObjectLock(rq.document(smallDocument), bucket.Settings.Default))
}

// putObjectLockConfiguration enables object lock, for ever, and sets or takes away the retention of
// versions that come without one
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html).
func (h *Handler) putObjectLockConfiguration(rq *request) error {
	rule, err := readDocument(h, rq, true, s3xml.DecodeObjectLock)
	if err != nil {
		return err
	}
	if rule.Mode != "" {
		unit := "Days"
		if rule.Years != 0 {
			unit = "Years"
		}
		switch {
		case rule.Days < 0 || rule.Years < 0 || rule.Days+rule.Years == 0:
			return s3err.InvalidArgument.With(
				"Default retention period must be a positive integer value.").
				Detail("ArgumentName", unit)
		case rule.Days > retentionDaysMax || rule.Years > retentionYearsMax:
			return s3err.InvalidArgument.With("Default retention period too large").
				Detail("ArgumentName", unit)
		}
	}
	err = h.store.SetBucket(rq.ctx, rq.bucket, func(s *object.BucketSettings) error {
		if s.Versioning != object.Enabled {
			return s3err.InvalidBucketState.With("Versioning must be 'Enabled' on the bucket to " +
				"apply a Object Lock configuration")
		}
		s.Lock = true
		s.Default = object.DefaultRetention{Mode: rule.Mode, Days: rule.Days, Years: rule.Years}
		return nil
	})
	if err != nil {
		return err
	}
	return rq.empty(200)
}
