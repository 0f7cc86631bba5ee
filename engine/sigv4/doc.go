// Package sigv4 verifies AWS Signature Version 4 as S3 speaks it: Authorization header, presigned
// URL, and the chunked bodies (aws-chunked) that carry a signature a chunk and a trailer.
//
// It owns who signed a request and whether these are the bytes that were signed. It does not
// own who may do what (iam), body checksums such as CRC32 (s3api, which gets the trailer), nor
// the S3 error codes; each sentinel says which code it becomes.
//
// Invariants:
//
//  1. Every switch ends in a refusal. A request is either wholly unsigned (anonymous) or
//     verified; anything in between is an error.
//  2. What is verified is what was sent: a path is never normalised (no //, ., .., %2F to /);
//     only the spelling of escapes is made canonical.
//  3. Host and every x-amz-* header field of a signed request are signed. The one exception is
//     x-amz-content-sha256 beside an Authorization header, whose value is in the signed text.
//  4. A BodyReader hands out the last byte of a payload only after everything about it was
//     verified: hash, each chunk signature, zero chunk, trailer, decoded length. Whoever has
//     read Size bytes, or seen io.EOF, or a nil Finish, holds a verified payload.
//  5. Signatures are compared in constant time, and an unknown key takes the way of a known one
//     with a wrong signature.
//  6. Secrets never appear in an error.
//
// Sources: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)", its
// pages sig-v4-header-based-auth, sigv4-query-string-auth, sigv4-streaming and
// sigv4-streaming-trailers; "Error responses".
package sigv4
