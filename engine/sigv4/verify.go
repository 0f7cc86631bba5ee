package sigv4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
)

// scratch is the memory of one Verify. Nearly every request fits; longer texts go to the heap.
// Note: on the stack it would escape, because an access key is handed to a KeySource.
type scratch struct {
	query     [1 << 10]byte
	params    [24]param
	decoded   [256]byte
	canonical [2 << 10]byte
}

// Verify finds out who sent a request, from its head alone. The body's part is checked by the
// reader that Result.Body returns. A request without any credentials is anonymous: nil error,
// empty AccessKey. Safe for concurrent use. Errors: those of the first block in errors.go,
// ErrPayloadMismatch and ErrTrailer.
func (v *Verifier) Verify(r *Request) (Result, error) {
	var result Result
	f, err := scanFields(r.Header)
	if err != nil {
		return Result{}, err
	}
	mem := v.scratch.Get().(*scratch)
	defer v.scratch.Put(mem)
	q := query{text: mem.query[:0], params: mem.params[:0]}
	if err := q.parse(r.Query); err != nil {
		return Result{}, err
	}
	given, err := q.presignParams()
	if err != nil {
		return Result{}, err
	}

	inHeader, inQuery := f.authorization != nil, given.present()
	var c claim
	switch {
	case given.v2 && inQuery, inHeader && (inQuery || given.v2):
		return Result{}, ErrAmbiguous
	case given.v2:
		return Result{}, fmt.Errorf("%w: signature version 2", ErrUnsupported)
	case inHeader:
		c, err = v.headerClaim(&f)
	case inQuery:
		c, err = v.queryClaim(&given, &f, mem.decoded[:0])
	default:
		err = result.setAnonymous(&f, r)
		return result, err
	}
	if err != nil {
		return Result{}, err
	}
	if err := v.verifyClaim(&result, r, &q, &c, mem.canonical[:0]); err != nil {
		return Result{}, err
	}
	if f.token != nil || given.value[paramToken] != nil {
		// Nothing here issues session tokens, so none belongs to this key.
		return Result{}, ErrToken
	}
	if err := result.setPayload(c.payload, &f, r); err != nil {
		return Result{}, err
	}
	return result, nil
}

// setAnonymous fills the Result of a request without credentials.
func (r *Result) setAnonymous(f *fields, req *Request) error {
	if f.token != nil {
		return fmt.Errorf("%w: a token without a signature", ErrToken)
	}
	if err := r.setPayload(f.sha256, f, req); err != nil {
		*r = Result{}
		return err
	}
	return nil
}

// verifyClaim computes the signature and compares. An unknown key is verified with the dummy.
// Errors: ErrUnknownKey, ErrSignature, those of appendCanonicalRequest.
func (v *Verifier) verifyClaim(
	result *Result, r *Request, q *query, c *claim, mem []byte,
) error {
	k, known := v.keyOf(c)
	canonical, err := appendCanonicalRequest(mem, r, q, c)
	if err != nil {
		return err
	}
	match := c.matches(&k.key, canonical)
	if !match {
		if asSent, ok := withPathAsSent(canonical, r); ok {
			match = c.matches(&k.key, asSent)
		}
	}
	switch {
	case !known:
		return ErrUnknownKey
	case !match:
		return ErrSignature
	}
	result.AccessKey, result.Service, result.Presigned = k.accessKey, c.scope.service, c.presigned
	result.key, result.amzDate, result.scopeTail = k.key, c.amzDate, c.scope.tail
	copy(result.seed[:], c.signature)
	return nil
}

// matches reports whether the claimed signature is that of a canonical request.
func (c *claim) matches(key *signingKey, canonical []byte) bool {
	hash := sha256.Sum256(canonical)
	var text [textBytesMax]byte
	sum := mac(key, c.appendText(text[:0], &hash))
	return equalHex(&sum, c.signature)
}

// withPathAsSent returns the canonical request with the path as it was sent, if that is another.
// S3 asks for canonical escapes, yet most signers (aws-sdk-go-v2, botocore) sign the path they
// send, whatever its escapes. Both forms name the same resource, so both are good.
func withPathAsSent(canonical []byte, r *Request) ([]byte, bool) {
	head := len(r.Method) + 1
	tail := head + bytes.IndexByte(canonical[head:], '\n')
	if bytes.Equal(canonical[head:tail], r.Path) || len(r.Path) == 0 {
		return nil, false
	}
	for _, b := range r.Path {
		if b <= ' ' || b == 0x7f { // could forge lines
			return nil, false
		}
	}
	return slices.Concat(canonical[:head], r.Path, canonical[tail:]), true
}

// appendText appends the text to sign: algorithm, date, scope, hash of the canonical request.
func (c *claim) appendText(dst []byte, hash *[sha256.Size]byte) []byte {
	dst = append(dst, algorithm+"\n"...)
	dst = append(dst, c.amzDate[:]...)
	dst = append(dst, '\n')
	dst = append(dst, c.amzDate[:8]...)
	dst = append(dst, c.scope.tail...)
	dst = append(dst, '\n')
	return appendHex(dst, hash)
}
