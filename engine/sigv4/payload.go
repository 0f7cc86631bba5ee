package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

const (
	unsignedPayload          = "UNSIGNED-PAYLOAD"
	streamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// setPayload reads how the body is vouched for: value is x-amz-content-sha256, empty without.
// Errors: ErrPayloadMode, ErrPayloadMismatch, ErrMissingLength, ErrTrailer.
func (r *Result) setPayload(value []byte, f *fields, req *Request) error {
	switch string(value) {
	case "":
		r.Payload = PayloadNone
	case unsignedPayload:
		r.Payload = PayloadUnsigned
	case streamingSigned:
		r.Payload = StreamingSigned
	case streamingSignedTrailer:
		r.Payload = StreamingSignedTrailer
	case streamingUnsignedTrailer:
		r.Payload = StreamingUnsignedTrailer
	default:
		if len(value) != signatureHexBytes {
			return fmt.Errorf("%w: unknown x-amz-content-sha256", ErrPayloadMode)
		}
		if _, err := hex.Decode(r.PayloadSHA256[:], value); err != nil {
			return fmt.Errorf("%w: x-amz-content-sha256 is not a hash", ErrPayloadMode)
		}
		r.Payload = PayloadSigned
	}
	if r.Payload.Streaming() {
		return r.setStreaming(f, req)
	}
	if f.awsChunked {
		return fmt.Errorf("%w: aws-chunked without a streaming mode", ErrPayloadMode)
	}
	if f.trailer != nil {
		return fmt.Errorf("%w: x-amz-trailer without a trailer mode", ErrTrailer)
	}
	r.DecodedLength = req.ContentLength
	if r.Payload == PayloadSigned && req.ContentLength == 0 &&
		r.PayloadSHA256 != sha256.Sum256(nil) {
		return ErrPayloadMismatch
	}
	return nil
}

func (r *Result) setStreaming(f *fields, req *Request) error {
	signed := r.Payload != StreamingUnsignedTrailer
	if signed && (r.AccessKey == "" || r.Presigned) {
		return fmt.Errorf("%w: signed chunks need an Authorization header", ErrPayloadMode)
	}
	if f.trailer != nil && r.Payload == StreamingSigned {
		return fmt.Errorf("%w: x-amz-trailer without a trailer mode", ErrTrailer)
	}
	n, err := strconv.ParseUint(string(f.decodedLength), 10, 63)
	if err != nil || f.decodedLength[0] == '+' {
		return ErrMissingLength
	}
	r.DecodedLength = int64(n)
	r.header = req.Header
	return nil
}
