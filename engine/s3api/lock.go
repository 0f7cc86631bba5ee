package s3api

import (
	"errors"
	"strings"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// Fields of object lock, in requests and answers.
const (
	lockModeField  = "x-amz-object-lock-mode"
	lockUntilField = "x-amz-object-lock-retain-until-date"
	legalHoldField = "x-amz-object-lock-legal-hold"
	bypassField    = "x-amz-bypass-governance-retention"
	// of CreateBucket
	lockBucketField = "x-amz-bucket-object-lock-enabled"
	lockTime        = "2006-01-02T15:04:05.000Z"
)

// lockOf reads the x-amz-object-lock-* fields, which need a bucket with object lock
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html).
// Errors: InvalidArgument, InvalidRequest, those of the store.
func (h *Handler) lockOf(rq *request) (a object.Attributes, err error) {
	mode, hasMode := rq.header(lockModeField)
	until, hasUntil := rq.header(lockUntilField)
	hold, hasHold := rq.header(legalHoldField)
	if !hasMode && !hasUntil && !hasHold {
		return a, nil
	}
	if hasMode != hasUntil {
		return a, s3err.InvalidArgument.With(
			lockUntilField + " and " + lockModeField + " must both be supplied")
	}
	if hasMode {
		if a.Retention, err = h.retentionOf(mode, until); err != nil {
			return a, err
		}
	}
	if hasHold {
		if a.LegalHold = object.LegalHold(hold); hold != "ON" && hold != "OFF" {
			return a, s3err.InvalidArgument.With("Legal Hold must be either of 'ON' or 'OFF'").
				Detail("ArgumentName", legalHoldField).Detail("ArgumentValue", hold)
		}
	}
	return a, h.requireLock(rq)
}

func (h *Handler) retentionOf(mode, until string) (r object.Retention, err error) {
	r.Mode = object.LockMode(mode)
	if r.Mode != object.Governance && r.Mode != object.Compliance {
		return r, s3err.InvalidArgument.With("Unknown wormMode directive.").
			Detail("ArgumentName", lockModeField).Detail("ArgumentValue", mode)
	}
	if r.Until, err = time.Parse(time.RFC3339, until); err != nil {
		return r, s3err.InvalidArgument.With(
			"The retain until date must be provided in ISO 8601 format").
			Detail("ArgumentName", lockUntilField).Detail("ArgumentValue", until)
	}
	r.Until = r.Until.UTC()
	return r, h.inFuture(r)
}

func (h *Handler) inFuture(r object.Retention) error {
	if r.Until.After(h.config.Now()) {
		return nil
	}
	return s3err.InvalidArgument.With("The retain until date must be in the future!").
		Detail("ArgumentName", lockUntilField).Detail("ArgumentValue", r.Until.Format(lockTime))
}

// requireLock refuses what needs a bucket with object lock. A bucket never loses it.
// Errors: ErrNoLock, those of the store.
func (h *Handler) requireLock(rq *request) error {
	bucket, err := h.store.Bucket(rq.ctx, rq.bucket)
	if err == nil && !bucket.Settings.Lock {
		err = object.ErrNoLock
	}
	return err
}

// requireDigest refuses a body that nothing is claimed of, where it would be protected once it is
// stored: what has been damaged on its way could not be deleted any more
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
// Errors: InvalidRequest, those of the store.
func (h *Handler) requireDigest(rq *request, c *claims, a *object.Attributes, what string) error {
	if c.any() {
		return nil
	}
	protected := a.Retention.Mode != "" || a.LegalHold != ""
	if !protected {
		bucket, err := h.store.Bucket(rq.ctx, rq.bucket)
		if err != nil {
			return err
		}
		protected = bucket.Settings.Default.Mode != ""
	}
	if !protected {
		return nil
	}
	return s3err.InvalidRequest.With("Content-MD5 OR x-amz-checksum- HTTP header is required for " +
		what + " requests with Object Lock parameters")
}

// bypass reports whether whoever asks wants to pass governance by, and may.
func (h *Handler) bypass(rq *request, key string) bool {
	return rq.wantsBypass() && h.mayBypass(rq, key)
}

func (h *Handler) mayBypass(rq *request, key string) bool {
	return h.allows(rq, "s3:BypassGovernanceRetention", string(rq.bucket), key)
}

func (rq *request) wantsBypass() bool {
	value, _ := rq.header(bypassField)
	return strings.EqualFold(value, "true")
}

// checkBypass refuses the wish where there is no governance.
// Errors: InvalidArgument, those of the store.
func (h *Handler) checkBypass(rq *request) error {
	if !rq.wantsBypass() {
		return nil
	}
	err := h.requireLock(rq)
	if errors.Is(err, object.ErrNoLock) {
		return s3err.InvalidArgument.With(bypassField +
			" is only applicable to Object Lock enabled buckets.")
	}
	return err
}
