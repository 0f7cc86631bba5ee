package s3api

import (
	"strings"

	"flashstore/engine/object"
	"flashstore/engine/s3err"
)

// ref names the object that the request is about, and the version if it names one.
// Errors: InvalidArgument.
func (rq *request) ref() (object.Ref, error) {
	ref := object.Ref{Bucket: rq.bucket, Key: rq.key}
	id, given, err := rq.param("versionId")
	if err == nil && given {
		ref.Version, err = parseVersion(id)
	}
	return ref, err
}

// parseVersion accepts the ids that there can be. Errors: InvalidArgument.
func parseVersion(id string) (object.VersionID, error) {
	message := "Invalid version id specified"
	switch {
	case id == string(object.NullVersion):
		return object.NullVersion, nil
	case len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "":
		return object.VersionID(id), nil
	case id == "":
		message = "Version id cannot be the empty string"
	}
	return "", s3err.InvalidArgument.With(message).
		Detail("ArgumentName", "versionId").Detail("ArgumentValue", id)
}

// made says which version a write made. Of a null version S3 says nothing
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_Examples).
func (rq *request) made(id object.VersionID) {
	if id != object.NullVersion {
		rq.version(id)
	}
}

// version says which version an answer is about, if the bucket has versions.
func (rq *request) version(id object.VersionID) {
	if id != object.Newest {
		rq.field("x-amz-version-id", string(id))
	}
}
