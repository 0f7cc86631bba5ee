// Package conformance asks a server, as a black box, whether it answers as AWS documents S3. It
// owns the cases and what runs them; it imports nothing of the server and can be run against any:
//
//	S3_ENDPOINT=http://host:port S3_ACCESS_KEY=… S3_SECRET_KEY=… make conformance
//
// S3_REGION is us-east-1 unless set, and S3_DOMAIN, for requests to bucket.domain, the endpoint's
// host. Without S3_ENDPOINT the server of this repository is run on two opposite compositions.
//
// Invariants:
//
//  1. A case cites the rule of AWS that it asserts, and prints it when it fails. What AWS leaves
//     to the service's limits or to chance (numbers of buckets, forms of ids) is not asserted.
//  2. Cases are independent: each has a bucket or a key prefix of its own, and may run beside
//     any other. What they make is removed.
//  3. A case fails, and is never skipped, where the server does not know what it asks for.
//  4. Three drivers ask: aws-sdk-go-v2 with its defaults, minio-go, and HTTP that is signed here.
//  5. Each case is seen to fail when a proxy lies about the status of the last answer before it
//     ends, and each area when it lies about headers, bodies and codes (TestLies).
package conformance
