// Package s3xml owns the XML of S3: it appends answers to a byte slice and decodes the few
// documents clients send.
//
// It does not know HTTP, error codes or the store. The shapes are those of
// https://docs.aws.amazon.com/AmazonS3/latest/API/.
//
// Invariants:
//
//  1. What a Writer produces is escaped: no value can open or close an element.
//  2. A decoder reads its source to io.EOF before it returns success, so that whatever
//     verifies the body at its end has done so.
//  3. Decoders hold memory in proportion to their limits, never to what a client sends:
//     bytes, depth and the number of entries are bounded. No DOCTYPE, no entities beyond the
//     five of XML, no processing instructions, nothing after the root element.
//  4. An error of the source is returned unchanged; every fault of the document wraps
//     ErrMalformed, ErrTooLarge or ErrUnsupported.
package s3xml
