package sigv4

import (
	"crypto/sha256"
	"fmt"
)

// headScratchBytes is what the canonical forms of nearly every request fit; longer ones go to
// the heap.
const (
	queryScratchBytes = 1 << 10
	headScratchBytes  = 2 << 10
	paramScratch      = 24
)

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
	var textScratch [queryScratchBytes]byte
	var params [paramScratch]param
	q := query{text: textScratch[:0], params: params[:0]}
	if err := q.parse(r.Query); err != nil {
		return Result{}, err
	}
	given, err := q.credentials()
	if err != nil {
		return Result{}, err
	}

	inHeader, inQuery := f.authorization != nil, given.present()
	var c claim
	var decoded [256]byte
	switch {
	case given.v2 && inQuery, inHeader && (inQuery || given.v2):
		return Result{}, ErrAmbiguous
	case given.v2:
		return Result{}, fmt.Errorf("%w: signature version 2", ErrUnsupported)
	case inHeader:
		c, err = v.headerClaim(&f)
	case inQuery:
		c, err = v.queryClaim(&given, &f, decoded[:0])
	default:
		err = result.setAnonymous(&f, r)
		return result, err
	}
	if err != nil {
		return Result{}, err
	}
	if err := v.verifyClaim(&result, r, &q, &c); err != nil {
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
func (v *Verifier) verifyClaim(result *Result, r *Request, q *query, c *claim) error {
	secret, generation, known := v.config.Keys.Secret(c.accessKey)
	id := c.accessKey
	if !known {
		secret, generation, id = v.dummy, 0, nil
	}
	k := v.cache.get(id, generation, secret, c.day(), v.config.Region, c.scope.service)

	var scratch [headScratchBytes]byte
	canonical, err := appendCanonicalRequest(scratch[:0], r, q, c)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(canonical)
	var text [textBytesMax]byte
	sum := mac(&k.key, c.appendText(text[:0], &hash))
	match := equalHex(&sum, c.signature)
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
