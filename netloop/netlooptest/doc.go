// Package netlooptest holds raw-byte conversations that every netloop.Server must have the
// same way: Run(t, new) is the conformance suite.
//
// It owns, besides, the table of malformed messages (MalformedMessages), streams made from it
// (Streams), the reference that says what a stream means (Read), and an attack with both (Flood).
//
// The same conversations go over TLS (RunTLS), in records that arrive in pieces, and some more.
//
// It owns no server. What it sends is written out byte by byte, because a client library would
// mend what is to be tested.
package netlooptest
