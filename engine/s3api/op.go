package s3api

// Op is an operation of S3.
type Op uint8

// The operations there are; OpUnknown is everything else.
const (
	OpUnknown Op = iota
	OpListBuckets
	OpCreateBucket
	OpHeadBucket
	OpDeleteBucket
	OpGetBucketLocation
	OpGetBucketVersioning
	OpGetObjectLockConfiguration
	OpListObjects
	OpListObjectsV2
	OpDeleteObjects
	OpPutObject
	OpGetObject
	OpHeadObject
	OpDeleteObject
	OpCreateMultipartUpload
	OpUploadPart
	OpCompleteMultipartUpload
	OpAbortMultipartUpload
	OpListParts
	OpListMultipartUploads
	OpCopyObject
	OpUploadPartCopy
	OpPostObject
	OpGetObjectAttributes
	OpGetObjectTagging
	OpPutObjectTagging
	OpDeleteObjectTagging
	OpGetObjectRetention
	OpPutObjectRetention
	OpGetObjectLegalHold
	OpPutObjectLegalHold
	OpListObjectVersions
	OpPutBucketVersioning
	OpPutObjectLockConfiguration
	opCount
)

// String is the name S3 has for the operation.
func (o Op) String() string {
	if o < opCount {
		return opNames[o]
	}
	return opNames[OpUnknown]
}

// OpNames are the names of all operations, by value of Op.
func OpNames() []string { return append([]string(nil), opNames[:]...) }

var opNames = [opCount]string{
	"Unknown", "ListBuckets", "CreateBucket", "HeadBucket", "DeleteBucket", "GetBucketLocation",
	"GetBucketVersioning", "GetObjectLockConfiguration", "ListObjects", "ListObjectsV2",
	"DeleteObjects", "PutObject", "GetObject", "HeadObject", "DeleteObject",
	"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload",
	"ListParts", "ListMultipartUploads", "CopyObject", "UploadPartCopy", "PostObject",
	"GetObjectAttributes", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging",
	"GetObjectRetention", "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold",
	"ListObjectVersions", "PutBucketVersioning", "PutObjectLockConfiguration",
}
