// Package http1 owns the framing of HTTP/1.1 (RFC 9110, RFC 9112): request heads, chunked
// bodies and response heads, as pure functions of bytes.
//
// It knows no socket, clock or goroutine, and keeps no bytes: what it finds is described by Spans
// of the caller's buffer. It allocates nothing but room for more fields than a head had before.
//
// Invariants:
//
//  1. The outcome depends on the bytes alone, never on the pieces they came in.
//  2. A Span lies inside the bytes that were parsed.
//  3. What two parsers could read in two ways is refused. The body of an accepted head has
//     exactly one length.
//  4. A Parser or Chunked that has refused once refuses for ever: what follows a malformed
//     message is not a request.
//  5. A refusal is 400; 414 and 431 for limits, 417 for an unknown expectation, 501 for a transfer
//     coding that is not implemented, where nothing else is wrong. Nothing else: 505 is optional.
//  6. Response heads never carry a CR, LF or NUL that came in through a field.
//
// Stricter than RFC 9112 asks for: lines end in CRLF only; no empty line comes before a request
// line; a target is visible ASCII without '#'; there is no CONNECT; the Host of an absolute-form
// target is the target's, or an error; a host is not empty, has no comma, and no zone if it is an
// address; obsolete folding and white space around a chunk size are errors; so are trailer fields
// that frame, route or authenticate. Other trailer fields are checked and dropped.
//
// The tests compare with a slow reference written from the grammar (netlooptest.Read), with
// net/http and with nginx where that is installed. HTTP1_SEED replays them.
package http1
