package s3api

import (
	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/engine/s3xml"
)

// putObjectRetention makes the retention of a version another one, or none
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html).
func (h *Handler) putObjectRetention(rq *request) error {
	next, err := readDocument(h, rq, true, s3xml.DecodeRetention)
	if err != nil {
		return err
	}
	if next.Mode != "" {
		if err := h.inFuture(next); err != nil {
			return err
		}
	}
	bypass := h.bypass(rq, string(rq.key))
	return h.setLock(rq, func(info *object.Info) error {
		now := &info.Attributes.Retention
		if err := now.MayBecome(next, h.config.Now(), bypass); err != nil {
			return err
		}
		*now = next
		return nil
	})
}

// putObjectLegalHold sets the legal hold of a version, or ends it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html).
func (h *Handler) putObjectLegalHold(rq *request) error {
	hold, err := readDocument(h, rq, true, s3xml.DecodeLegalHold)
	if err != nil {
		return err
	}
	return h.setLock(rq, func(info *object.Info) error {
		info.Attributes.LegalHold = hold
		return nil
	})
}

// setLock changes the protection of the version that rq names.
func (h *Handler) setLock(rq *request, change func(*object.Info) error) error {
	ref, err := rq.ref()
	if err != nil {
		return err
	}
	if err := h.requireLock(rq); err != nil {
		return err
	}
	if _, err := h.store.SetAttributes(rq.ctx, ref, change); err != nil {
		return err
	}
	return rq.empty(200)
}

// getObjectRetention tells the retention of a version, over or not
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html).
func (h *Handler) getObjectRetention(rq *request) error {
	a, err := h.lockAttributes(rq)
	if err != nil {
		return err
	}
	if a.Retention.Mode == "" {
		return s3err.NoSuchObjectLockConfiguration
	}
	return rq.xml(s3xml.AppendRetention(rq.document(smallDocument), a.Retention))
}

// getObjectLegalHold tells the legal hold of a version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html).
func (h *Handler) getObjectLegalHold(rq *request) error {
	a, err := h.lockAttributes(rq)
	if err != nil {
		return err
	}
	if a.LegalHold == "" {
		return s3err.NoSuchObjectLockConfiguration
	}
	return rq.xml(s3xml.AppendLegalHold(rq.document(smallDocument), a.LegalHold))
}

// lockAttributes are those of the version that rq names.
func (h *Handler) lockAttributes(rq *request) (object.Attributes, error) {
	ref, err := rq.ref()
	if err != nil {
		return object.Attributes{}, err
	}
	if err := h.requireLock(rq); err != nil {
		return object.Attributes{}, err
	}
	info, err := h.store.Stat(rq.ctx, ref)
	return info.Attributes, err
}
