// Package certs owns the server's certificate: the pair of files that an operator puts into a
// directory, read at the start and again when they change.
//
// It does not own what is done with it: netloop's servers take Config, and do the handshakes.
//
// Invariants:
//
//  1. Once Open has returned there is a certificate to show at any time. A pair that cannot be
//     used replaces nothing: the one before stays, and the log says why.
//  2. A change is judged when two looks have found the same files: somebody who writes one file
//     after the other is not told of a pair that does not match.
//  3. A change interrupts nothing: connections go on, the next handshake shows what is new.
package certs
