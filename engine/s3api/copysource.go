package s3api

import (
	"bytes"
	"errors"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

const copySourceField = "x-amz-copy-source"

// copySource returns what a request copies from, once whoever asks may read that
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#API_CopyObject_RequestSyntax).
// Errors: InvalidArgument, AccessDenied, NotImplemented.
func (h *Handler) copySource(rq *request) (object.Ref, error) {
	field, _ := rq.header(copySourceField)
	from, err := parseCopySource(field)
	if err != nil {
		return object.Ref{}, err
	}
	if !h.allows(rq, from.read("s3:GetObject"), from.bucket, from.key) {
		return object.Ref{}, s3err.AccessDenied
	}
	return from.ref(field)
}

// copyFrom is a copy source in parts that are not validated yet.
type copyFrom struct {
	bucket, key, version string
	versioned            bool // a version was given
}

// parseCopySource takes a copy source apart: bucket/key, with or without a slash before it, percent
// escapes in all of it, "+" for a space as S3 reads it, and then ?versionId= as it is.
// Errors: InvalidArgument, NotImplemented (of access points).
func parseCopySource(field string) (copyFrom, error) {
	var from copyFrom
	path, query, found := strings.Cut(field, "?")
	if found {
		from.version, from.versioned = strings.CutPrefix(query, "versionId=")
		if !from.versioned {
			return from, badCopySource("Unsupported copy source parameter.", field)
		}
	}
	if strings.HasPrefix(path, "arn:") {
		return from, s3err.NotImplemented.Detail("Header", copySourceField)
	}
	raw, err := appendUnescaped(nil, []byte(path), true)
	if err != nil {
		return from, badCopySource("Invalid copy source encoding.", field)
	}
	bucket, key, _ := bytes.Cut(bytes.TrimPrefix(raw, []byte{'/'}), []byte{'/'})
	from.bucket, from.key = string(bucket), string(key)
	return from, nil
}

// read is the action that reads the source, given its name where no version is named.
func (f *copyFrom) read(action string) string {
	if f.versioned {
		return action + "Version"
	}
	return action
}

// ref validates the parts of field. Errors: InvalidArgument.
func (f *copyFrom) ref(field string) (ref object.Ref, err error) {
	if ref.Bucket, err = object.ValidateBucket(f.bucket); err != nil {
		return ref, badCopySource("Invalid copy source bucket name", field)
	}
	if ref.Key, err = object.ValidateKey(f.key); err != nil {
		return ref, badCopySource("Invalid copy source object key", field)
	}
	if f.versioned {
		ref.Version, err = parseVersion(f.version)
	}
	return ref, err
}

func badCopySource(message, field string) error {
	return s3err.InvalidArgument.With(message).Detail("ArgumentName", copySourceField).
		Detail("ArgumentValue", field)
}

// sourceFault says of what is wrong with a source that it is the source: no marker is shown in the
// fields of the answer, and no 405 tells which methods it would take.
func sourceFault(err error) error {
	var marker *object.MarkerError
	switch {
	case !errors.As(err, &marker):
		return err
	case marker.Asked:
		return s3err.InvalidRequest.With("The source of a copy request may not specifically refer " +
			"to a delete marker by version id.")
	}
	return s3err.NoSuchKey
}

// copiedVersion says which version was copied, if the source has versions.
func (rq *request) copiedVersion(source *object.Info) {
	if source.Version != object.Newest {
		rq.field("x-amz-copy-source-version-id", string(source.Version))
	}
}
