package s3api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/engine/object"
	"flashstore/engine/s3api/md5lanes"
	"flashstore/engine/s3xml"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// Verifier says who signed a request, or a form; *sigv4.Verifier is one.
type Verifier interface {
	Verify(*sigv4.Request) (sigv4.Result, error)
	VerifyForm(*sigv4.Form) (sigv4.Result, error)
}

// Authorizer says who may do what. The access key is "" for an anonymous request; action is
// "s3:GetObject" and the like; bucket and key are "" where the action has none, and otherwise
// what the client sent, not yet validated. Safe for concurrent use.
type Authorizer interface {
	Authorize(accessKey, action, bucket, key string) bool
}

// Recorder counts requests; op is an index of OpNames. Safe for concurrent use.
type Recorder interface {
	Observe(op, status int, took time.Duration, inBytes, outBytes int64)
}

// Config says what a Handler works with.
type Config struct {
	Store      object.Store // required
	Verifier   Verifier     // required
	Authorizer Authorizer   // required
	Region     string       // "" means us-east-1
	// Domains under which a host name "bucket.domain" names a bucket, without ports.
	Domains  []string
	ETag     string           // ETagMD5 or ETagFast; "" means ETagMD5
	Owner    s3xml.User       // shown in lists; the zero value means DefaultOwner
	Recorder Recorder         // nil: nobody counts
	Log      *slog.Logger     // nil means slog.Default()
	HostID   string           // x-amz-id-2; "" means a random one
	Now      func() time.Time // nil means time.Now
}

// The values of Config.ETag: what the entity tag of a PUT or a part is.
const (
	ETagMD5 = "md5" // of the bytes, as in S3
	// ETagFast is their xxh3-128 and "-1": a tag with a dash is of a multipart upload, so no client
	// takes it for an MD5 and compares. Content-MD5 is verified all the same.
	ETagFast   = "fast"
	fastSuffix = "-1"
)

// DefaultOwner is shown as the owner of everything while there are no accounts.
func DefaultOwner() s3xml.User {
	return s3xml.User{
		ID:          "666c61736873746f7265000000000000000000000000000000000000000000ff",
		DisplayName: "flashstore",
	}
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = defaultRegion
	}
	if c.Owner == (s3xml.User{}) {
		c.Owner = DefaultOwner()
	}
	if c.ETag == "" {
		c.ETag = ETagMD5
	}
	if c.Recorder == nil {
		c.Recorder = nobody{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.HostID == "" {
		c.HostID = rand.Text()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate returns an error that names the wrong field.
func (c Config) Validate() error {
	if c.Store == nil || c.Verifier == nil || c.Authorizer == nil {
		return errors.New("s3api: Store, Verifier and Authorizer are required")
	}
	if c.ETag != "" && c.ETag != ETagMD5 && c.ETag != ETagFast {
		return fmt.Errorf("s3api: etag %q; %s and %s are known", c.ETag, ETagMD5, ETagFast)
	}
	for _, d := range c.Domains {
		if d == "" || strings.ToLower(d) != d || strings.Trim(d, ".") != d ||
			strings.ContainsAny(d, ":/") {
			return fmt.Errorf("s3api: domain %q is not a lower-case host name without port", d)
		}
	}
	return nil
}

// defaultRegion is the one S3 treats specially: it has no location constraint.
const defaultRegion = "us-east-1"

// Handler answers S3 requests. It is safe for concurrent use.
type Handler struct {
	config Config
	store  object.Store
	nearby object.Nearby // the store, if it can answer at once; else nil
	hashes hashPool
	etags  atomic.Uint64 // computed by config.ETag
	failed atomic.Uint64 // see ServerErrors
	// windows bounds the memory of forms.
	windows windowPool
	// requests of the event loops: *request
	requests sync.Pool
}

var _ netloop.InlineHandler = (*Handler)(nil)

// New returns a Handler, or an error if config is not valid.
func New(config Config) (*Handler, error) {
	config = config.withDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	nearby, _ := config.Store.(object.Nearby)
	h := &Handler{config: config, store: config.Store, nearby: nearby}
	h.hashes.md5 = md5lanes.NewGroup()
	return h, nil
}

// ETags counts the entity tags of objects and parts that were computed, all in the mode of the
// configuration. Safe for concurrent use.
func (h *Handler) ETags() uint64 { return h.etags.Load() }

// MD5Lanes says what was hashed in lanes. Safe for concurrent use.
func (h *Handler) MD5Lanes() md5lanes.Stats { return h.hashes.md5.Stats() }

// ServerErrors counts requests that were answered with a status of 5xx, but for 501, which is about
// the request. Clients try such a request again, often without a word: the server's own count
// tells. Safe for concurrent use.
func (h *Handler) ServerErrors() uint64 { return h.failed.Load() }

type nobody struct{}

func (nobody) Observe(int, int, time.Duration, int64, int64) {}
