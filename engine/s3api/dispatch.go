package s3api

import (
	"bytes"

	"flashstore/engine/s3err"
)

// level is how much of a resource a request names.
type level uint8

const (
	atService level = iota
	atBucket
	atKey
)

// sub is a set of sub-resources: query parameters, and the one header, that turn a request
// into another operation.
type sub uint32

const (
	subLocation sub = 1 << iota
	subVersioning
	subObjectLock
	subListType
	subDelete
	subUploads
	subUploadID
	subPartNumber
	subVersionID
	subVersions
	subAttributes
	subTagging
	subRetention
	subLegalHold
	subCopySource // the header x-amz-copy-source
	subForeign    // any other sub-resource; no route has it
)

// route is one line of the dispatch table.
type route struct {
	method    string
	level     level
	subs      sub // all of these
	optional  sub // and perhaps these
	op        Op
	action    string // what the Authorizer is asked
	versioned string // instead of action, where the request names a version
	run       func(*Handler, *request) error
}

// routes are all operations there are, the frequent ones first.
var routes = [...]route{
	{"GET", atKey, 0, subPartNumber | subVersionID, OpGetObject, "s3:GetObject",
		"s3:GetObjectVersion", (*Handler).getObject},
	{"PUT", atKey, 0, 0, OpPutObject, "s3:PutObject", "", (*Handler).putObject},
	{"HEAD", atKey, 0, subPartNumber | subVersionID, OpHeadObject, "s3:GetObject",
		"s3:GetObjectVersion", (*Handler).headObject},
	{"DELETE", atKey, 0, subVersionID, OpDeleteObject, "s3:DeleteObject",
		"s3:DeleteObjectVersion", (*Handler).deleteObject},
	{"PUT", atKey, subCopySource, 0, OpCopyObject, "s3:PutObject", "", (*Handler).copyObject},

	{"POST", atKey, subUploads, 0, OpCreateMultipartUpload, "s3:PutObject", "",
		(*Handler).createUpload},
	{"PUT", atKey, subUploadID | subPartNumber, 0, OpUploadPart, "s3:PutObject", "",
		(*Handler).uploadPart},
	{"PUT", atKey, subUploadID | subPartNumber | subCopySource, 0, OpUploadPartCopy,
		"s3:PutObject", "", (*Handler).uploadPartCopy},
	{"POST", atKey, subUploadID, 0, OpCompleteMultipartUpload, "s3:PutObject", "",
		(*Handler).completeUpload},
	{"DELETE", atKey, subUploadID, 0, OpAbortMultipartUpload, "s3:AbortMultipartUpload", "",
		(*Handler).abortUpload},
	{"GET", atKey, subUploadID, 0, OpListParts, "s3:ListMultipartUploadParts", "",
		(*Handler).listParts},

	{"GET", atKey, subAttributes, subVersionID, OpGetObjectAttributes, "s3:GetObject",
		"s3:GetObjectVersion", (*Handler).getObjectAttributes},
	{"GET", atKey, subTagging, subVersionID, OpGetObjectTagging, "s3:GetObjectTagging",
		"s3:GetObjectVersionTagging", (*Handler).getObjectTagging},
	{"PUT", atKey, subTagging, subVersionID, OpPutObjectTagging, "s3:PutObjectTagging",
		"s3:PutObjectVersionTagging", (*Handler).putObjectTagging},
	{"DELETE", atKey, subTagging, subVersionID, OpDeleteObjectTagging, "s3:DeleteObjectTagging",
		"s3:DeleteObjectVersionTagging", (*Handler).deleteObjectTagging},
	{"GET", atKey, subRetention, subVersionID, OpGetObjectRetention, "s3:GetObjectRetention", "",
		(*Handler).getObjectRetention},
	{"PUT", atKey, subRetention, subVersionID, OpPutObjectRetention, "s3:PutObjectRetention", "",
		(*Handler).putObjectRetention},
	{"GET", atKey, subLegalHold, subVersionID, OpGetObjectLegalHold, "s3:GetObjectLegalHold", "",
		(*Handler).getObjectLegalHold},
	{"PUT", atKey, subLegalHold, subVersionID, OpPutObjectLegalHold, "s3:PutObjectLegalHold", "",
		(*Handler).putObjectLegalHold},

	{"GET", atBucket, subListType, 0, OpListObjectsV2, "s3:ListBucket", "",
		(*Handler).listObjectsV2},
	{"GET", atBucket, 0, 0, OpListObjects, "s3:ListBucket", "", (*Handler).listObjects},
	{"GET", atBucket, subVersions, 0, OpListObjectVersions, "s3:ListBucketVersions", "",
		(*Handler).listObjectVersions},
	{"GET", atBucket, subUploads, 0, OpListMultipartUploads, "s3:ListBucketMultipartUploads", "",
		(*Handler).listUploads},
	{"POST", atBucket, subDelete, 0, OpDeleteObjects, "s3:DeleteObject", "",
		(*Handler).deleteObjects},
	{"POST", atBucket, 0, 0, OpPostObject, "s3:PutObject", "", nil}, // servePost
	{"HEAD", atBucket, 0, 0, OpHeadBucket, "s3:ListBucket", "", (*Handler).headBucket},
	{"PUT", atBucket, 0, 0, OpCreateBucket, "s3:CreateBucket", "", (*Handler).createBucket},
	{"DELETE", atBucket, 0, 0, OpDeleteBucket, "s3:DeleteBucket", "", (*Handler).deleteBucket},
	{"GET", atBucket, subLocation, 0, OpGetBucketLocation, "s3:GetBucketLocation", "",
		(*Handler).getBucketLocation},
	{"GET", atBucket, subVersioning, 0, OpGetBucketVersioning, "s3:GetBucketVersioning", "",
		(*Handler).getBucketVersioning},
	{"PUT", atBucket, subVersioning, 0, OpPutBucketVersioning, "s3:PutBucketVersioning", "",
		(*Handler).putBucketVersioning},
	{"PUT", atBucket, subObjectLock, 0, OpPutObjectLockConfiguration,
		"s3:PutBucketObjectLockConfiguration", "", (*Handler).putObjectLockConfiguration},
	{"GET", atBucket, subObjectLock, 0, OpGetObjectLockConfiguration,
		"s3:GetBucketObjectLockConfiguration", "", (*Handler).getObjectLockConfiguration},

	{"GET", atService, 0, 0, OpListBuckets, "s3:ListAllMyBuckets", "", (*Handler).listBuckets},
}

// dispatch finds the route; nil if there is none.
func dispatch(method []byte, at level, subs sub) *route {
	for i := range routes {
		r := &routes[i]
		if r.level == at && subs&^r.optional == r.subs && string(method) == r.method {
			return r
		}
	}
	return nil
}

// subsOf returns the sub-resources a query names. An unknown parameter without a value is one
// too (S3 writes sub-resources so); one with a value is a parameter nobody reads, as in S3.
func subsOf(query []byte) sub {
	var subs sub
	for len(query) > 0 {
		var name, value []byte
		name, value, query = nextParam(query)
		subs |= subOf(name, value)
	}
	return subs
}

func subOf(name, value []byte) sub {
	switch string(name) {
	case "":
		return 0
	case "location":
		return subLocation
	case "versioning":
		return subVersioning
	case "object-lock":
		return subObjectLock
	case "list-type":
		return subListType
	case "delete":
		return subDelete
	case "uploads":
		return subUploads
	case "uploadId":
		return subUploadID
	case "partNumber":
		return subPartNumber
	case "versionId":
		return subVersionID
	case "versions":
		return subVersions
	case "attributes":
		return subAttributes
	case "tagging":
		return subTagging
	case "retention":
		return subRetention
	case "legal-hold":
		return subLegalHold
	case "x-amz-copy-source": // of a presigned URL
		return subCopySource
	case "prefix", "delimiter", "marker", "max-keys", "encoding-type", "start-after",
		"continuation-token", "fetch-owner", "max-parts", "part-number-marker", "max-uploads",
		"key-marker", "upload-id-marker", "version-id-marker", "max-buckets", "bucket-region", "x-id",
		"response-content-type", "response-content-language", "response-expires",
		"response-cache-control", "response-content-disposition", "response-content-encoding":
		return 0
	case "accelerate", "acl", "analytics", "annotations", "cors", "encryption",
		"intelligent-tiering", "inventory", "lifecycle", "logging", "metadataTable",
		"metadataConfiguration", "metrics", "notification", "ownershipControls", "policy",
		"policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment",
		"restore", "select", "session", "torrent", "website":
		return subForeign
	}
	if len(value) == 0 || bytes.IndexByte(name, '%') >= 0 {
		return subForeign
	}
	return 0
}

// noRoute is the answer to a request that no operation fits: a method that S3 does not have for a
// service, bucket or object as such is not allowed; whatever names a sub-resource is not
// implemented.
func noRoute(at level, subs sub) error {
	if subs != 0 {
		return s3err.NotImplemented
	}
	return s3err.MethodNotAllowed.Detail("ResourceType",
		[...]string{"SERVICE", "BUCKET", "OBJECT"}[at])
}
