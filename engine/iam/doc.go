// Package iam owns who may do what. So far there is one identity, root, which may do
// everything; nobody else may do anything.
//
// It does not own signatures (sigv4 asks it for secrets) or what an operation is (s3api asks
// it for permission, by action name).
//
// Invariants:
//
//  1. The default of every decision is no: an unknown or empty access key has no secret and no
//     permission.
//  2. A secret is never part of an error, a log line or a String.
package iam
