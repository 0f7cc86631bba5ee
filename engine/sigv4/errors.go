package sigv4

import "errors"

// Errors of Verify. Beside each: the S3 error code and HTTP status it becomes.
var (
	// ErrUnknownKey: no such access key. InvalidAccessKeyId, 403.
	ErrUnknownKey = errors.New("sigv4: unknown access key")
	// ErrSignature: the signature is wrong. SignatureDoesNotMatch, 403.
	ErrSignature = errors.New("sigv4: signature does not match")
	// ErrSkewed: the client's clock is too far off. RequestTimeTooSkewed, 403.
	ErrSkewed = errors.New("sigv4: request time too skewed")
	// ErrExpired: a presigned URL is too old. AccessDenied "Request has expired", 403.
	ErrExpired = errors.New("sigv4: request has expired")
	// ErrNotYetValid: a presigned URL of the future. AccessDenied "Request is not valid yet", 403.
	ErrNotYetValid = errors.New("sigv4: request is not valid yet")
	// ErrMissingDate: neither x-amz-date nor Date. AccessDenied, 403.
	ErrMissingDate = errors.New("sigv4: a valid Date or x-amz-date header is required")
	// ErrUnsignedHeader: Host or an x-amz-* header is not signed. AccessDenied "There were
	// headers present in the request which were not signed", 403.
	ErrUnsignedHeader = errors.New("sigv4: headers present which were not signed")
	// ErrToken: a session token with a key that has none. InvalidToken, 403.
	ErrToken = errors.New("sigv4: session token is not valid")
	// ErrMalformedHeader: the Authorization header or its scope. AuthorizationHeaderMalformed, 400.
	ErrMalformedHeader = errors.New("sigv4: authorization header is malformed")
	// ErrMalformedQuery: presigned parameters. AuthorizationQueryParametersError, 400.
	ErrMalformedQuery = errors.New("sigv4: error parsing the X-Amz-* query parameters")
	// ErrMalformedForm: the date or the credential in the fields of a form. InvalidArgument, 400.
	ErrMalformedForm = errors.New("sigv4: the credential of the form is malformed")
	// ErrAmbiguous: credentials in header and query. InvalidArgument "Only one auth mechanism
	// allowed", 400.
	ErrAmbiguous = errors.New("sigv4: only one auth mechanism allowed")
	// ErrURI: a broken percent escape. InvalidURI, 400.
	ErrURI = errors.New("sigv4: broken percent escape")
	// ErrUnsupported: SigV2, SigV4A or another scheme. InvalidRequest "The authorization
	// mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.", 400.
	ErrUnsupported = errors.New("sigv4: authorization mechanism is not supported")
	// ErrMissingHash: a signed header request without x-amz-content-sha256. InvalidRequest
	// "Missing required header for this request: x-amz-content-sha256", 400.
	ErrMissingHash = errors.New("sigv4: missing x-amz-content-sha256")
	// ErrPayloadMode: an unknown payload mode, or one that does not go with the rest of the
	// request, so nobody vouches for the body. AccessDenied, 403.
	// Note: AWS says InvalidArgument, 400, to some of these.
	ErrPayloadMode = errors.New("sigv4: payload mode does not fit the request")
	// ErrMissingLength: a chunked body without a valid x-amz-decoded-content-length.
	// MissingContentLength, 411.
	ErrMissingLength = errors.New("sigv4: missing x-amz-decoded-content-length")
)

// Errors of a BodyReader; ErrPayloadMismatch also of Verify when there is no body at all, and
// ErrTrailer when x-amz-trailer is broken.
var (
	// ErrPayloadMismatch: XAmzContentSHA256Mismatch, 400.
	ErrPayloadMismatch = errors.New("sigv4: payload does not match x-amz-content-sha256")
	// ErrChunk: broken chunk framing. InvalidRequest, 400.
	ErrChunk = errors.New("sigv4: malformed chunk")
	// ErrChunkSize: a chunk under ChunkBytesMin that is not the last. InvalidChunkSizeError, 403.
	ErrChunkSize = errors.New("sigv4: only the last chunk may be smaller than 8192 bytes")
	// ErrChunkSignature: a chunk or trailer signature is wrong or absent.
	// SignatureDoesNotMatch, 403.
	ErrChunkSignature = errors.New("sigv4: chunk signature does not match")
	// ErrIncompleteBody: fewer or more bytes than declared. IncompleteBody, 400.
	ErrIncompleteBody = errors.New("sigv4: body length differs from the declared one")
	// ErrTrailer: MalformedTrailerError, 400.
	ErrTrailer = errors.New("sigv4: malformed trailer")
)

// RegionError is ErrMalformedHeader, ErrMalformedQuery or ErrMalformedForm because of the region;
// S3 tells clients the right one in the Region element of the answer, and they try again with it.
type RegionError struct {
	Expected string
	kind     error
}

func (e *RegionError) Error() string {
	return e.kind.Error() + ": the region is wrong; expecting '" + e.Expected + "'"
}

// Unwrap returns ErrMalformedHeader, ErrMalformedQuery or ErrMalformedForm.
func (e *RegionError) Unwrap() error { return e.kind }
