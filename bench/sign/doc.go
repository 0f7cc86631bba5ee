// Package sign makes Signature Version 4 for the load generator: presigned targets, made before
// the clock runs, and header fields, made for each request at the cost of one SHA-256 and one HMAC.
//
// It owns the client's side only, and only what the load needs: the service is "s3", no session
// token, and no header is signed beside host and the two that S3 requires. The server's own
// package is a stranger on purpose: the two check each other.
//
// Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and
// sigv4-query-string-auth.html beside it.
//
// Invariants:
//
//  1. The same arguments give the same signature.
//  2. AppendFields allocates nothing once the day's key is made.
package sign
