package s3err

// The codes this server can answer with.
var (
	AccessDenied = &Error{Code: "AccessDenied", Status: 403,
		Message: "Access Denied."}
	AuthorizationHeaderMalformed = &Error{Code: "AuthorizationHeaderMalformed", Status: 400,
		Message: "The authorization header you provided is invalid."}
	AuthorizationQueryParametersError = &Error{Code: "AuthorizationQueryParametersError",
		Status: 400, Message: "The query parameters of the signature are invalid."}
	// BadRequest is what S3 has for too many tags.
	BadRequest = &Error{Code: "BadRequest", Status: 400,
		Message: "The request is not valid."}
	BadDigest = &Error{Code: "BadDigest", Status: 400,
		Message: "The Content-MD5 or checksum value that you specified did not match what the " +
			"server received."}
	BucketAlreadyOwnedByYou = &Error{Code: "BucketAlreadyOwnedByYou", Status: 409,
		Message: "The bucket that you tried to create already exists, and you own it."}
	BucketNotEmpty = &Error{Code: "BucketNotEmpty", Status: 409,
		Message: "The bucket that you tried to delete is not empty."}
	EntityTooLarge = &Error{Code: "EntityTooLarge", Status: 400,
		Message: "Your proposed upload exceeds the maximum allowed object size."}
	EntityTooSmall = &Error{Code: "EntityTooSmall", Status: 400,
		Message: "Your proposed upload is smaller than the minimum allowed object size."}
	IllegalVersioningConfigurationException = &Error{
		Code: "IllegalVersioningConfigurationException", Status: 400,
		Message: "The versioning configuration specified in the request is invalid."}
	IncompleteBody = &Error{Code: "IncompleteBody", Status: 400,
		Message: "You did not provide the number of bytes specified by the Content-Length HTTP " +
			"header."}
	// InsufficientStorage is not of AWS, whose disks are never full. 507 (RFC 4918, 11.5) says
	// what is the matter, and no SDK retries it.
	InsufficientStorage = &Error{Code: "InsufficientStorage", Status: 507,
		Message: "There is no space left to store the object."}
	InternalError = &Error{Code: "InternalError", Status: 500,
		Message: "An internal error occurred. Try again."}
	InvalidAccessKeyId = &Error{Code: "InvalidAccessKeyId", Status: 403,
		Message: "The access key ID that you provided does not exist in our records."}
	InvalidArgument = &Error{Code: "InvalidArgument", Status: 400,
		Message: "Invalid argument."}
	InvalidBucketName = &Error{Code: "InvalidBucketName", Status: 400,
		Message: "The specified bucket is not valid."}
	InvalidBucketOwnerAWSAccountID = &Error{Code: "InvalidBucketOwnerAWSAccountID", Status: 400,
		Message: "The value of the expected bucket owner parameter must be an AWS account ID."}
	InvalidBucketState = &Error{Code: "InvalidBucketState", Status: 409,
		Message: "An Object Lock configuration is present on this bucket, so the versioning state " +
			"cannot be changed."}
	InvalidChunkSizeError = &Error{Code: "InvalidChunkSizeError", Status: 403,
		Message: "Only the last chunk is allowed to have a size less than 8192 bytes."}
	InvalidDigest = &Error{Code: "InvalidDigest", Status: 400,
		Message: "The Content-MD5 that you specified is not valid."}
	InvalidLocationConstraint = &Error{Code: "InvalidLocationConstraint", Status: 400,
		Message: "The specified location constraint is not valid."}
	InvalidPart = &Error{Code: "InvalidPart", Status: 400,
		Message: "One or more of the specified parts could not be found. The part might not have " +
			"been uploaded, or the specified entity tag might not have matched the part's " +
			"entity tag."}
	InvalidPartNumber = &Error{Code: "InvalidPartNumber", Status: 416,
		Message: "The requested partnumber is not satisfiable."}
	InvalidPartOrder = &Error{Code: "InvalidPartOrder", Status: 400,
		Message: "The list of parts was not in ascending order. The parts list must be specified " +
			"in order by part number."}
	InvalidPolicyDocument = &Error{Code: "InvalidPolicyDocument", Status: 400,
		Message: "The content of the form does not meet the conditions specified in the policy " +
			"document."}
	InvalidRange = &Error{Code: "InvalidRange", Status: 416,
		Message: "The requested range is not satisfiable."}
	InvalidRedirectLocation = &Error{Code: "InvalidRedirectLocation", Status: 400,
		Message: "The website redirect location must have a prefix of 'http://' or 'https://' or " +
			"'/'."}
	InvalidRequest = &Error{Code: "InvalidRequest", Status: 400,
		Message: "The request is not valid."}
	InvalidStorageClass = &Error{Code: "InvalidStorageClass", Status: 400,
		Message: "The storage class that you specified is not valid."}
	InvalidTag = &Error{Code: "InvalidTag", Status: 400,
		Message: "The tag provided was not a valid tag."}
	InvalidToken = &Error{Code: "InvalidToken", Status: 403,
		Message: "The provided token is malformed or otherwise not valid."}
	InvalidURI = &Error{Code: "InvalidURI", Status: 400,
		Message: "The specified URI couldn't be parsed."}
	KeyTooLongError = &Error{Code: "KeyTooLongError", Status: 400,
		Message: "Your key is too long."}
	MalformedPOSTRequest = &Error{Code: "MalformedPOSTRequest", Status: 400,
		Message: "The body of your POST request is not well-formed multipart/form-data."}
	MalformedTrailerError = &Error{Code: "MalformedTrailerError", Status: 400,
		Message: "The request contained trailing data that was not well-formed or did not " +
			"conform to our published schema."}
	MalformedXML = &Error{Code: "MalformedXML", Status: 400,
		Message: "The XML that you provided was not well formed or did not validate against our " +
			"published schema."}
	MaxMessageLengthExceeded = &Error{Code: "MaxMessageLengthExceeded", Status: 400,
		Message: "Your request was too large."}
	// MaxPostPreDataLengthExceeded ends in Error in the documentation, but not in what S3 answers.
	MaxPostPreDataLengthExceeded = &Error{Code: "MaxPostPreDataLengthExceeded", Status: 400,
		Message: "Your POST request fields preceding the upload file were too large."}
	MetadataTooLarge = &Error{Code: "MetadataTooLarge", Status: 400,
		Message: "Your metadata headers exceed the maximum allowed metadata size."}
	MethodNotAllowed = &Error{Code: "MethodNotAllowed", Status: 405,
		Message: "The specified method is not allowed against this resource."}
	MissingContentLength = &Error{Code: "MissingContentLength", Status: 411,
		Message: "You must provide the Content-Length HTTP header."}
	NoSuchBucket = &Error{Code: "NoSuchBucket", Status: 404,
		Message: "The specified bucket does not exist."}
	NoSuchKey = &Error{Code: "NoSuchKey", Status: 404,
		Message: "The specified key does not exist."}
	NoSuchObjectLockConfiguration = &Error{Code: "NoSuchObjectLockConfiguration", Status: 404,
		Message: "The specified object does not have a ObjectLock configuration."}
	NoSuchUpload = &Error{Code: "NoSuchUpload", Status: 404,
		Message: "The specified multipart upload does not exist. The upload ID might not be " +
			"valid, or the multipart upload might have been aborted or completed."}
	NoSuchVersion = &Error{Code: "NoSuchVersion", Status: 404,
		Message: "The specified version does not exist."}
	NotImplemented = &Error{Code: "NotImplemented", Status: 501,
		Message: "A header, parameter or operation that you provided implies functionality that " +
			"is not implemented."}
	MissingRequestBodyError = &Error{Code: "MissingRequestBodyError", Status: 400,
		Message: "Request Body is empty"}
	// NotModified answers a GET or HEAD whose condition says that the client has it already.
	NotModified = &Error{Code: "NotModified", Status: 304,
		Message: "Not Modified"}
	ObjectLockConfigurationNotFoundError = &Error{Code: "ObjectLockConfigurationNotFoundError",
		Status: 404, Message: "Object Lock configuration does not exist for this bucket."}
	PreconditionFailed = &Error{Code: "PreconditionFailed", Status: 412,
		Message: "At least one of the preconditions that you specified did not hold."}
	RequestTimeTooSkewed = &Error{Code: "RequestTimeTooSkewed", Status: 403,
		Message: "The difference between the request time and the server's time is too large."}
	RequestTimeout = &Error{Code: "RequestTimeout", Status: 400,
		Message: "Your socket connection to the server was not read from or written to within " +
			"the timeout period."}
	ServiceUnavailable = &Error{Code: "ServiceUnavailable", Status: 503,
		Message: "Service is unable to handle the request. Try again."}
	SignatureDoesNotMatch = &Error{Code: "SignatureDoesNotMatch", Status: 403,
		Message: "The request signature that the server calculated does not match the signature " +
			"that you provided. Check your secret access key and signing method."}
	SlowDown = &Error{Code: "SlowDown", Status: 503,
		Message: "Please reduce your request rate."}
	XAmzContentSHA256Mismatch = &Error{Code: "XAmzContentSHA256Mismatch", Status: 400,
		Message: "The provided x-amz-content-sha256 header does not match what was computed."}
)

// codes are all of them, by name.
var codes = []*Error{
	AccessDenied, AuthorizationHeaderMalformed, AuthorizationQueryParametersError, BadDigest,
	BadRequest, BucketAlreadyOwnedByYou, BucketNotEmpty, EntityTooLarge, EntityTooSmall,
	IllegalVersioningConfigurationException, IncompleteBody, InsufficientStorage, InternalError,
	InvalidAccessKeyId, InvalidArgument, InvalidBucketName,
	InvalidBucketOwnerAWSAccountID, InvalidBucketState,
	InvalidChunkSizeError, InvalidDigest, InvalidLocationConstraint, InvalidPart,
	InvalidPartNumber, InvalidPartOrder, InvalidPolicyDocument, InvalidRange,
	InvalidRedirectLocation, InvalidRequest, InvalidStorageClass, InvalidTag, InvalidToken,
	InvalidURI, KeyTooLongError, MalformedPOSTRequest, MalformedTrailerError, MalformedXML,
	MaxMessageLengthExceeded, MaxPostPreDataLengthExceeded, MetadataTooLarge, MethodNotAllowed,
	MissingContentLength, MissingRequestBodyError, NoSuchBucket, NoSuchKey,
	NoSuchObjectLockConfiguration, NoSuchUpload,
	NoSuchVersion, NotImplemented, NotModified, ObjectLockConfigurationNotFoundError,
	PreconditionFailed, RequestTimeTooSkewed, RequestTimeout, ServiceUnavailable,
	SignatureDoesNotMatch, SlowDown, XAmzContentSHA256Mismatch,
}
