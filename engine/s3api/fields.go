package s3api

import (
	"bytes"
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
	"flashstore/netloop"
)

const (
	amz        = "x-amz-"
	metaPrefix = "x-amz-meta-"
	// fieldNameMax is longer than any x-amz-* field that is not user metadata.
	fieldNameMax = 64
	// accountDigits is the length of the number of an AWS account.
	accountDigits = 12
)

// checkFields refuses what asks for something that is not done. Fields of a presigned URL's
// query count like header fields.
func (rq *request) checkFields(config *Config) error {
	for i := range rq.ex.Request.Header {
		f := &rq.ex.Request.Header[i]
		if err := rq.checkField(f.Name, f.Value, config); err != nil {
			return err
		}
	}
	for query := rq.ex.Request.Query; len(query) > 0; {
		var name, value []byte
		name, value, query = nextParam(query)
		if !rq.auth.Presigned || !hasPrefixFold(name, amz) {
			continue
		}
		if escaped(value, true) {
			var err error
			value, err = appendUnescaped(rq.ex.Memory.Alloc(len(value))[:0], value, true)
			if err != nil {
				return err
			}
		}
		if err := rq.checkField(name, value, config); err != nil {
			return err
		}
	}
	return nil
}

func (rq *request) checkField(name, value []byte, config *Config) error {
	switch {
	case hasPrefixFold(name, "if-"):
		if rq.op.writes() && !rq.op.heeds(name) {
			return s3err.NotImplemented.Detail("Header", string(name))
		}
	case hasPrefixFold(name, metaPrefix):
	case hasPrefixFold(name, amz):
		var buf [fieldNameMax]byte
		if len(name) > len(buf) ||
			!checkAmz(stringView(lower(buf[:0], name)), stringView(value), config) {
			return amzFault(string(bytes.ToLower(name)), string(value))
		}
	}
	return nil
}

// writes reports whether conditions on the operation would guard a change.
func (o Op) writes() bool {
	switch o {
	case OpPutObject, OpPostObject, OpCopyObject, OpDeleteObject, OpDeleteObjects,
		OpCreateMultipartUpload, OpUploadPart, OpUploadPartCopy,
		OpCompleteMultipartUpload, OpAbortMultipartUpload, OpCreateBucket, OpDeleteBucket,
		OpPutObjectTagging, OpDeleteObjectTagging, OpPutObjectRetention, OpPutObjectLegalHold,
		OpPutBucketVersioning, OpPutObjectLockConfiguration:
		return true
	}
	return false
}

// heeds reports whether a condition is one that the operation, which writes, is guarded by. S3 has
// no others (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html).
func (o Op) heeds(name []byte) bool {
	switch o {
	case OpPutObject, OpCopyObject, OpCompleteMultipartUpload:
		return netloop.EqualFold(name, "if-match") || netloop.EqualFold(name, "if-none-match")
	case OpDeleteObject:
		return netloop.EqualFold(name, "if-match")
	}
	return false
}

// checkAmz reports whether an x-amz-* field is one that is honoured, or says nothing that
// would change an answer. Everything else is refused: the default is no.
func checkAmz(name, value string, config *Config) bool {
	switch name {
	case "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-algorithm",
		"x-amz-credential", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
		"x-amz-decoded-content-length", "x-amz-trailer",
		"x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm", "x-amz-checksum-type",
		"x-amz-checksum-mode", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
		"x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256",
		"x-amz-mp-object-size",
		"x-amz-copy-source", "x-amz-copy-source-range", "x-amz-copy-source-if-match",
		"x-amz-copy-source-if-none-match", "x-amz-copy-source-if-modified-since",
		"x-amz-copy-source-if-unmodified-since", "x-amz-metadata-directive", object.RedirectField,
		taggingField, "x-amz-tagging-directive", lockModeField, lockUntilField, legalHoldField,
		bypassField, "x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker":
		return true
	case "x-amz-user-agent", "x-amz-request-payer", "x-amz-optional-object-attributes",
		"x-amz-te":
		return true // nothing to be said about them here
	case "x-amz-acl":
		return value == "private" || value == "bucket-owner-full-control"
	case object.ClassField:
		return classKnown(value)
	case "x-amz-object-ownership":
		return value == "BucketOwnerEnforced"
	case lockBucketField:
		return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
	case "x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner":
		return value == config.Owner.ID
	}
	return false
}

// classKnown reports whether objects can have a class. All but REDUCED_REDUNDANCY are kept as
// STANDARD is. Classes from which an object is to be restored first are not there.
func classKnown(class string) bool {
	switch class {
	case string(object.Standard), string(object.ReducedRedundancy), "STANDARD_IA", "ONEZONE_IA",
		"INTELLIGENT_TIERING", "GLACIER_IR":
		return true
	}
	return false
}

func amzFault(name, value string) error {
	switch name {
	case "x-amz-storage-class":
		return s3err.InvalidStorageClass
	case "x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner":
		if len(value) != accountDigits || strings.Trim(value, "0123456789") != "" {
			return s3err.InvalidBucketOwnerAWSAccountID
		}
		return s3err.AccessDenied
	}
	return s3err.NotImplemented.Detail("Header", name)
}

func hasPrefixFold(name []byte, prefix string) bool {
	return len(name) >= len(prefix) && netloop.EqualFold(name[:len(prefix)], prefix)
}
