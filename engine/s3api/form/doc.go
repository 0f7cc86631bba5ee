// Package form reads what a browser sends when it uploads to S3: a form of fields and one file, and
// the policy that says what the fields may be
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html).
//
// It owns the framing of multipart/form-data and the language of POST policies. It does not own
// signatures (sigv4), what the fields ask of the store (s3api), or the store.
//
// Invariants:
//
//  1. What precedes the file is bounded by HeadBytesMax, before and after ${filename} is put in; of
//     the file no more is held than a window of 32 KiB.
//  2. A file ends at its delimiter, or with an error: never cleanly where the body broke off. What
//     follows the file is not read.
//  3. A policy is what AWS documents, or refused: an unknown member, operation or type never allows
//     anything. Every field but those AWS exempts needs a condition, and each condition must hold.
//
// Sources: the pages sigv4-HTTPPOSTForms and sigv4-HTTPPOSTConstructPolicy of the Amazon S3 API
// Reference; RFC 7578 and RFC 2046, section 5.1. Where the pages are silent the answers are those
// that users of S3 have reported.
package form
