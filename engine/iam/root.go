package iam

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/maphash"
)

// Root is the identity that may do everything. It serves sigv4 as a source of keys and s3api
// and adminapi as an authorizer. Immutable, so safe for concurrent use.
type Root struct {
	accessKey  string
	secret     string
	generation uint64
}

// Credentials are an access key and its secret.
type Credentials struct {
	AccessKey string
	Secret    string
}

// String leaves the secret out.
func (c Credentials) String() string { return "credentials of " + c.AccessKey }

// GoString leaves the secret out.
func (c Credentials) GoString() string { return c.String() }

// NewRoot returns the root identity; errors are those of Credentials.Validate.
func NewRoot(c Credentials) (*Root, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	generation := maphash.String(maphash.MakeSeed(), c.Secret)
	return &Root{accessKey: c.AccessKey, secret: c.Secret, generation: generation}, nil
}

// AccessKey is the name of root, which is no secret.
func (r *Root) AccessKey() string { return r.accessKey }

// Secret returns root's secret for root's access key; see sigv4.KeySource.
func (r *Root) Secret(accessKey []byte) (secret string, generation uint64, ok bool) {
	if !r.is(accessKey) {
		return "", 0, false
	}
	return r.secret, r.generation, true
}

// Authorize allows root everything and everybody else nothing; see s3api.Authorizer.
func (r *Root) Authorize(accessKey, action, bucket, key string) bool {
	return r.is([]byte(accessKey))
}

// AuthorizeAdmin is Authorize for the server's own endpoints; see adminapi.Authorizer.
func (r *Root) AuthorizeAdmin(accessKey, action string) bool { return r.is([]byte(accessKey)) }

func (r *Root) is(accessKey []byte) bool {
	return subtle.ConstantTimeCompare(accessKey, []byte(r.accessKey)) == 1
}

// Errors of Credentials.Validate.
var (
	// ErrShort: an access key under 3 or a secret under 8 characters.
	ErrShort = errors.New("iam: too short")
	// ErrWellKnown: a default that everybody tries first.
	ErrWellKnown = errors.New("iam: a well-known default is refused")
	// ErrCharacters: characters that a credential scope or a header cannot carry.
	ErrCharacters = errors.New("iam: characters that are not allowed")
)

// Lengths of credentials, in bytes.
const (
	accessKeyMin = 3
	accessKeyMax = 128 // as AWS
	secretMin    = 8
	secretMax    = 128
)

// Validate refuses what is too short, well known, or cannot be sent in a signature.
// Errors: ErrShort, ErrWellKnown, ErrCharacters.
func (c Credentials) Validate() error {
	switch {
	case len(c.AccessKey) < accessKeyMin:
		return fmt.Errorf("%w: the access key has fewer than %d characters", ErrShort, accessKeyMin)
	case len(c.Secret) < secretMin:
		return fmt.Errorf("%w: the secret has fewer than %d characters", ErrShort, secretMin)
	case len(c.AccessKey) > accessKeyMax || len(c.Secret) > secretMax:
		return fmt.Errorf("%w: at most %d", ErrCharacters, secretMax)
	}
	for i := range len(c.AccessKey) {
		b := c.AccessKey[i]
		alnum := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !alnum && b != '-' && b != '_' && b != '.' && b != '@' && b != '+' {
			return fmt.Errorf("%w: letters, digits and -_.@+ in the access key", ErrCharacters)
		}
	}
	for i := range len(c.Secret) {
		if c.Secret[i] < ' ' || c.Secret[i] == 0x7F {
			return fmt.Errorf("%w: control characters in the secret", ErrCharacters)
		}
	}
	if wellKnown(c) {
		return fmt.Errorf("%w; choose other credentials, or none to have them generated",
			ErrWellKnown)
	}
	return nil
}
