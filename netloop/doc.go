// Package netloop owns the contract between an HTTP/1.1 server and the code that answers its
// requests: Server, Handler, Exchange and the limits every server enforces.
//
// It does not know S3, disks or signatures; the implementations live in the child folders.
//
// Invariants:
//
//  1. Byte slices of a Request, and memory from Exchange.Memory, are valid until Handle
//     returns and are never kept.
//  2. A Handler answers exactly once. If it returns without writing, the server sends the
//     head it set with an empty body.
//  3. A response body shorter than its declared length breaks the connection; it never
//     ends cleanly (a client must be able to tell).
//  4. "Expect: 100-continue" is answered by the first ReadBody, so after authentication;
//     a handler that never reads the body never invites it.
//  5. A request body the handler left unread is drained up to Limits.DrainBytesMax and for
//     Limits.DrainTimeout, otherwise the connection closes: its bytes are never parsed as a
//     request.
package netloop
