package adminapi

import (
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// Verifier says who signed a request; *sigv4.Verifier is one.
type Verifier interface {
	Verify(*sigv4.Request) (sigv4.Result, error)
}

// Authorizer says who may use the server's own endpoints; action is "admin:Status", "admin:Heal" or
// "admin:Adopt".
type Authorizer interface {
	AuthorizeAdmin(accessKey, action string) bool
}

// Config says what a Handler tells, and to whom. Functions may be called by many requests at
// once and should answer from memory.
type Config struct {
	// Ready: requests are served, reads at least. Required.
	Ready func() bool
	// Cluster: every set of drives has its write quorum. Required.
	Cluster func() bool
	// Status returns the status document, which is encoded as JSON. Required.
	Status func() any
	// Healing returns how healing stands, Heal begins it, with scrub reading every shard; both are
	// encoded as JSON. Required.
	Healing func() any
	Heal    func(scrub bool) any
	// Adopt makes the drive of a place of its empty directory, or of all such places for "". An error
	// is shown to who asked. Required.
	Adopt      func(dir string) (any, error)
	Gatherer   prometheus.Gatherer // required
	Verifier   Verifier            // required
	Authorizer Authorizer          // required
	// MetricsToken is the bearer token of the metrics; "" lets nobody in by token.
	MetricsToken  string
	MetricsPublic bool         // metrics need no token
	Log           *slog.Logger // nil means slog.Default()
}

// Validate returns an error that names what is missing.
func (c Config) Validate() error {
	switch {
	case c.Ready == nil || c.Cluster == nil || c.Status == nil:
		return errors.New("adminapi: Ready, Cluster and Status are required")
	case c.Healing == nil || c.Heal == nil || c.Adopt == nil:
		return errors.New("adminapi: Healing, Heal and Adopt are required")
	case c.Gatherer == nil || c.Verifier == nil || c.Authorizer == nil:
		return errors.New("adminapi: Gatherer, Verifier and Authorizer are required")
	}
	return nil
}

// Handler answers for the server itself. It is safe for concurrent use.
type Handler struct{ config Config }

var _ netloop.Handler = (*Handler)(nil)

// New returns a Handler, or an error if config is not valid.
func New(config Config) (*Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	return &Handler{config}, nil
}
