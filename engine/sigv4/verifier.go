package sigv4

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Field is one header field, an alias so that a slice of the server's fields is taken as it is.
type Field = struct{ Name, Value []byte }

// KeySource knows the secrets. It must be safe for concurrent use.
type KeySource interface {
	// Secret returns the secret of an access key. The generation differs whenever the secret
	// does; it keeps derived keys from outliving a changed secret. accessKey belongs to the
	// caller and must not be kept.
	Secret(accessKey []byte) (secret string, generation uint64, ok bool)
}

// Config says whose signatures, for where, are believed.
type Config struct {
	Region   string           // of the credential scope; "" means us-east-1
	Services []string         // of the credential scope; nil means {"s3"}
	Keys     KeySource        // required
	Now      func() time.Time // nil means time.Now
	SkewMax  time.Duration    // how far a clock may be off; 0 means 15 min, as AWS
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Services == nil {
		c.Services = []string{"s3"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SkewMax == 0 {
		c.SkewMax = 15 * time.Minute
	}
	return c
}

// Validate returns an error that names the wrong field.
func (c Config) Validate() error {
	if c.Keys == nil {
		return errors.New("sigv4: Keys is nil")
	}
	if c.SkewMax < 0 {
		return fmt.Errorf("sigv4: SkewMax %v is negative", c.SkewMax)
	}
	if !scopeWord(c.Region) {
		return fmt.Errorf("sigv4: Region %q is not a region name", c.Region)
	}
	if len(c.Services) == 0 {
		return errors.New("sigv4: Services is empty")
	}
	for _, s := range c.Services {
		if !scopeWord(s) {
			return fmt.Errorf("sigv4: service %q is not a service name", s)
		}
	}
	return nil
}

// scopeBytesMax bounds a word of the scope, so that every text to sign fits a fixed buffer.
const scopeBytesMax = 64

func scopeWord(s string) bool {
	for i := range len(s) {
		if !isToken[s[i]] {
			return false
		}
	}
	return s != "" && len(s) <= scopeBytesMax
}

// Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	config Config
	scopes []scope
	cache  keyCache
	dummy  string // the secret that unknown keys are verified with

	scratch sync.Pool // of *scratch
}

// scope is one service's end of the credential scope.
type scope struct {
	service string
	tail    string // "/region/service/aws4_request"
}

// New returns a Verifier, or an error if config is not valid.
func New(config Config) (*Verifier, error) {
	config = config.withDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	v := &Verifier{config: config, dummy: rand.Text()}
	v.scratch.New = func() any { return new(scratch) }
	for _, s := range config.Services {
		tail := "/" + config.Region + "/" + s + "/aws4_request"
		v.scopes = append(v.scopes, scope{service: s, tail: tail})
	}
	v.cache.init()
	return v, nil
}
