// Package s3api owns S3 over netloop: which operation a request asks for, what its headers and
// parameters mean, and the answer. One file a verb.
//
// It does not own signatures (sigv4), permissions (an Authorizer), codes (s3err), XML (s3xml)
// or where bytes live (an object.Store).
//
// Invariants:
//
//  1. The order is: dispatch, authentication, authorization, validation, execution. What is
//     told to somebody without permission does not depend on what is stored.
//  2. An operation, sub-resource or x-amz-* field that is not known is answered 501; nothing
//     that changes the meaning of a request is silently ignored.
//  3. A body is stored only after all that was said about it is verified: signature, length,
//     Content-MD5 and checksums, in header or trailer.
//  4. An error after the head was sent breaks the connection; a body never ends cleanly short.
//  5. Internal errors are logged with the request id and told to clients by that id only.
//  6. Stored headers are the six of HTTP, x-amz-meta-* as RFC 2047 has it, storage class and
//     redirect; no other field of a client is kept. Tags, retention and legal hold are attributes.
//  7. A version, a copy source, and what a write sets beside its body take actions of their own,
//     asked before the store is; what only some may read is not shown to others.
package s3api
