package s3err

import (
	"flashstore/engine/object"
	"flashstore/engine/s3xml"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// table is the only place where an error of another package gets a code. The first line that
// errors.Is matches counts.
var table = []struct {
	sentinel error
	code     *Error
}{
	{object.ErrBucketName, InvalidBucketName},
	{object.ErrKeyTooLong, KeyTooLongError},
	{object.ErrKeyInvalid, InvalidURI},
	{object.ErrNoSuchBucket, NoSuchBucket},
	{object.ErrBucketExists, BucketAlreadyOwnedByYou},
	{object.ErrBucketNotEmpty, BucketNotEmpty},
	{object.ErrNoSuchKey, NoSuchKey},
	{object.ErrNoSuchUpload, NoSuchUpload},
	{object.ErrNoSuchVersion, NoSuchVersion},
	{object.ErrMarker, MethodNotAllowed.Detail("ResourceType", "DeleteMarker")},
	{object.ErrLocked, AccessDenied.With(
		"Access Denied because object protected by object lock.")},
	{object.ErrNoLock, InvalidRequest.With("Bucket is missing Object Lock Configuration")},
	{object.ErrVersioning, InvalidBucketState},
	{object.ErrInvalidPart, InvalidPart},
	{object.ErrPartOrder, InvalidPartOrder},
	{object.ErrPartTooSmall, EntityTooSmall},
	{object.ErrIfMatch, PreconditionFailed.Detail("Condition", "If-Match")},
	{object.ErrIfNoneMatch, PreconditionFailed.Detail("Condition", "If-None-Match")},
	{object.ErrTooLarge, EntityTooLarge},
	{object.ErrBodyShort, IncompleteBody},
	// Unavailable says "later, at the same rate", busy says "slower"; SDKs back off on both.
	{object.ErrUnavailable, ServiceUnavailable},
	{object.ErrBusy, SlowDown},
	{object.ErrFull, InsufficientStorage},
	// Damaged is foreseen, and nothing a client can do anything about.
	{object.ErrDamaged, InternalError},

	{sigv4.ErrUnknownKey, InvalidAccessKeyId},
	{sigv4.ErrSignature, SignatureDoesNotMatch},
	{sigv4.ErrSkewed, RequestTimeTooSkewed},
	{sigv4.ErrExpired, AccessDenied.With("Request has expired.")},
	{sigv4.ErrNotYetValid, AccessDenied.With("Request is not valid yet.")},
	{sigv4.ErrMissingDate, AccessDenied.With(
		"AWS authentication requires a valid Date or x-amz-date header.")},
	{sigv4.ErrUnsignedHeader, AccessDenied.With(
		"There were headers present in the request which were not signed.")},
	{sigv4.ErrToken, InvalidToken},
	{sigv4.ErrMalformedHeader, AuthorizationHeaderMalformed},
	{sigv4.ErrMalformedQuery, AuthorizationQueryParametersError},
	{sigv4.ErrMalformedForm, InvalidArgument.With(
		"The date or the credential in the fields of the form is invalid.")},
	{sigv4.ErrAmbiguous, InvalidArgument.With("Only one auth mechanism allowed.")},
	{sigv4.ErrURI, InvalidURI},
	{sigv4.ErrUnsupported, InvalidRequest.With("The authorization mechanism you have provided " +
		"is not supported. Please use AWS4-HMAC-SHA256.")},
	{sigv4.ErrMissingHash, InvalidRequest.With(
		"Missing required header for this request: x-amz-content-sha256.")},
	{sigv4.ErrPayloadMode, AccessDenied.With(
		"The value of x-amz-content-sha256 does not fit the request.")},
	{sigv4.ErrMissingLength, MissingContentLength},
	{sigv4.ErrPayloadMismatch, XAmzContentSHA256Mismatch},
	{sigv4.ErrChunk, InvalidRequest.With("The chunks of the body are malformed.")},
	{sigv4.ErrChunkSize, InvalidChunkSizeError},
	{sigv4.ErrChunkSignature, SignatureDoesNotMatch},
	{sigv4.ErrIncompleteBody, IncompleteBody},
	{sigv4.ErrTrailer, MalformedTrailerError},

	{s3xml.ErrMalformed, MalformedXML},
	{s3xml.ErrTooLarge, MaxMessageLengthExceeded},
	{s3xml.ErrUnsupported, NotImplemented},

	{netloop.ErrBodyTruncated, IncompleteBody},
	{netloop.ErrBodyTooSlow, RequestTimeout},
	// PeerGone reaches nobody; the code is for the metrics.
	{netloop.ErrPeerGone, RequestTimeout},
}
