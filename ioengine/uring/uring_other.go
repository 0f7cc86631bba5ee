//go:build !linux || !(amd64 || arm64)

package uring

import (
	"fmt"

	"flashstore/ioengine"
)

// Engine does not exist here; New says so.
type Engine struct{ ioengine.Engine }

var _ ioengine.Engine = (*Engine)(nil)

// New returns ErrUnavailable.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: not on this system", ErrUnavailable)
}
