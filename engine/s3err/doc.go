// Package s3err owns what S3 clients are told when something fails: the error codes, their HTTP
// statuses and messages, and the one table from the module's sentinel errors to them.
//
// It does not write answers (s3api, s3xml).
//
// Invariants:
//
//  1. Every sentinel of object, sigv4, s3xml and netloop that can reach a client stands in the
//     table; a test compares the table with their source.
//  2. What is not in the table is InternalError. A message is a constant of this package or
//     made by s3api of what the client itself sent; the text of a Go error is never sent.
//  3. Codes and statuses are those of AWS where AWS has one
//     (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
package s3err
