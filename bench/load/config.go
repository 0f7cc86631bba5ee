package load

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"flashstore/bench/sign"
)

// ErrConfig is wrapped by the errors of Validate.
var ErrConfig = errors.New("load")

// Defaults of Config.
const (
	TimeoutDefault = 10 * time.Second
	ThreadsDefault = 1
)

// presignedFor is far longer than any run; it is the most that S3 allows.
const presignedFor = 7 * 24 * time.Hour

// Object is one thing to ask for.
type Object struct {
	Path  string            // "/bucket/key", or a file's, not encoded
	Bytes int64             // length of its body
	Sum   [sha256.Size]byte // of its body; read where HashEvery is set
	Body  []byte            // what a PUT sends, Bytes long; not changed
}

// Config says what to ask, how often and how long.
type Config struct {
	Address string // HOST:PORT that is dialled, and what the Host field says
	Method  string // GET, HEAD or PUT
	Objects []Object

	Signer          *sign.Signer // nil: unsigned, for static files; not used itself, only cloned
	Presigned       bool         // sign URLs before the clock runs, instead of header fields
	UnsignedPayload bool         // PUT with header fields: leave the body out of the signature

	Connections int
	Rate        float64       // requests per second, open loop; 0: closed loop
	Warmup      time.Duration // not counted, part of Duration
	Duration    time.Duration
	Once        bool // ask for each object once, in order; Duration is the most it may take

	HashEvery int           // check the hash of every n-th body of a GET; 0: none
	Timeout   time.Duration // of one request; 0: TimeoutDefault
	Threads   int           // loops, each with its share of connections and rate; 0: ThreadsDefault
	Cores     []int         // to which all threads are bound; empty: any
	Seed      uint64

	// Edge is called at the beginning and the end of the window, on the first thread, for accounts
	// that must be of that moment. It should be quick. May be nil.
	Edge func(begins bool)
}

// Validate returns an error that wraps ErrConfig for a config that cannot run.
func (c *Config) Validate() error {
	switch {
	case c.Address == "":
		return fmt.Errorf("%w: no address", ErrConfig)
	case c.Method != http.MethodGet && c.Method != http.MethodHead && c.Method != http.MethodPut:
		return fmt.Errorf("%w: method %q; valid: GET, HEAD, PUT", ErrConfig, c.Method)
	case len(c.Objects) == 0:
		return fmt.Errorf("%w: no objects", ErrConfig)
	case c.Connections < max(1, c.Threads):
		return fmt.Errorf("%w: %d connections for %d threads", ErrConfig, c.Connections,
			max(1, c.Threads))
	case c.Rate < 0 || c.Rate > 1e9:
		return fmt.Errorf("%w: rate %g per second", ErrConfig, c.Rate)
	case c.Duration <= 0 || c.Warmup < 0 || c.Warmup >= c.Duration:
		return fmt.Errorf("%w: warm-up of %s in a duration of %s", ErrConfig, c.Warmup, c.Duration)
	case c.Once && (c.Rate > 0 || c.Warmup > 0):
		return fmt.Errorf("%w: once has neither rate nor warm-up", ErrConfig)
	case c.HashEvery < 0 || c.Timeout < 0 || c.Threads < 0:
		return fmt.Errorf("%w: a negative number", ErrConfig)
	}
	for i := range c.Objects {
		o := &c.Objects[i]
		if c.Method == http.MethodPut && int64(len(o.Body)) != o.Bytes {
			return fmt.Errorf("%w: PUT %s: a body of %d bytes, said to have %d", ErrConfig, o.Path,
				len(o.Body), o.Bytes)
		}
	}
	return nil
}
