package sigv4

// Request is the head of a request. Its bytes are read, never kept beyond the Result.
type Request struct {
	Method []byte
	Path   []byte // as sent, still percent-encoded
	Query  []byte // as sent, without '?'
	Host   []byte
	Header []Field
	// ContentLength is in bytes; 0 without a body, -1 when it is unknown.
	ContentLength int64
}

// PayloadMode is how a request vouches for its body.
type PayloadMode uint8

// The payload modes; the words are values of x-amz-content-sha256.
const (
	// PayloadNone: nobody vouches; an anonymous request without x-amz-content-sha256.
	PayloadNone PayloadMode = iota
	// PayloadUnsigned: UNSIGNED-PAYLOAD, or a presigned URL that names no hash.
	PayloadUnsigned
	// PayloadSigned: the SHA-256 of the body is in PayloadSHA256.
	PayloadSigned
	// StreamingSigned: STREAMING-AWS4-HMAC-SHA256-PAYLOAD.
	StreamingSigned
	// StreamingSignedTrailer: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER.
	StreamingSignedTrailer
	// StreamingUnsignedTrailer: STREAMING-UNSIGNED-PAYLOAD-TRAILER.
	StreamingUnsignedTrailer
)

// Streaming reports whether the body is framed as aws-chunked.
func (m PayloadMode) Streaming() bool {
	return m == StreamingSigned || m == StreamingSignedTrailer || m == StreamingUnsignedTrailer
}

// Result is what Verify found. It refers to the header fields of the Request, so it is valid
// as long as they are.
type Result struct {
	AccessKey     string // "" means anonymous
	Service       string // of the credential scope; "" if anonymous
	Presigned     bool
	Payload       PayloadMode
	PayloadSHA256 [32]byte // PayloadSigned only
	// DecodedLength is the payload's length in bytes, without any chunk framing; -1 if unknown.
	DecodedLength int64

	// What the chunk signatures hang on; set in the signed streaming modes only.
	key       signingKey
	seed      [signatureHexBytes]byte // signature of the head
	amzDate   [amzDateBytes]byte
	scopeTail string
	header    []Field // for x-amz-trailer
}
