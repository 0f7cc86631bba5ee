package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"
)

// formAgeMax is how old the date of a form may be: a signing key is good for a week
// (https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html).
const formAgeMax = expiresMax * time.Second

// Form is what the fields of a browser's upload say about its signature, each as sent
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html).
type Form struct {
	Algorithm  []byte // x-amz-algorithm
	Credential []byte // x-amz-credential
	Date       []byte // x-amz-date
	Policy     []byte // policy, in base64: the text that is signed
	Signature  []byte // x-amz-signature
}

// VerifyForm finds out who signed the policy of a form. What the policy allows, and until when, is
// the caller's; nobody vouches for the file. An unknown key takes the way of a known one. Safe for
// concurrent use. Errors: ErrUnsupported, ErrMalformedForm (also as RegionError), ErrExpired,
// ErrNotYetValid, ErrUnknownKey, ErrSignature.
func (v *Verifier) VerifyForm(f *Form) (Result, error) {
	c := claim{form: true, signature: f.Signature}
	if string(f.Algorithm) != algorithm {
		return Result{}, fmt.Errorf("%w in X-Amz-Algorithm", ErrUnsupported)
	}
	when, ok := parseAmzDate(f.Date)
	if !ok {
		return Result{}, fmt.Errorf("%w: X-Amz-Date must be formatted as YYYYMMDDTHHMMSSZ",
			ErrMalformedForm)
	}
	copy(c.amzDate[:], f.Date)
	if err := v.readCredential(&c, f.Credential); err != nil {
		return Result{}, err
	}
	switch now := v.config.Now(); {
	case when.Sub(now) > v.config.SkewMax:
		return Result{}, ErrNotYetValid
	case now.Sub(when) > formAgeMax:
		return Result{}, ErrExpired
	}
	k, known := v.keyOf(&c)
	sum := hmac.New(sha256.New, k.key[:])
	sum.Write(f.Policy)
	match := equalHex((*[sha256.Size]byte)(sum.Sum(nil)), f.Signature)
	switch {
	case !known:
		return Result{}, ErrUnknownKey
	case !match:
		return Result{}, ErrSignature
	}
	return Result{AccessKey: k.accessKey, Service: c.scope.service, Payload: PayloadUnsigned}, nil
}

// keyOf returns the key that a claim names, or the dummy's.
func (v *Verifier) keyOf(c *claim) (k *cachedKey, known bool) {
	secret, generation, known := v.config.Keys.Secret(c.accessKey)
	id := c.accessKey
	if !known {
		secret, generation, id = v.dummy, 0, nil
	}
	return v.cache.get(id, generation, secret, c.day(), v.config.Region, c.scope.service), known
}
