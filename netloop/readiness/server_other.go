//go:build !linux && !((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"context"
	"net"

	"flashstore/netloop"
)

// Name is empty: there is no axis value for a loop here.
const Name = ""

// Server exists so that code which offers it compiles everywhere.
type Server struct{}

var _ netloop.Server = (*Server)(nil)

// New returns ErrUnsupported.
func New(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.setDefaults()
	return nil, ErrUnsupported
}

// Listen returns ErrUnsupported.
func (*Server) Listen(string) (net.Addr, error) { return nil, ErrUnsupported }

// Serve returns ErrUnsupported.
func (*Server) Serve(netloop.Handler) error { return ErrUnsupported }

// Shutdown does nothing.
func (*Server) Shutdown(context.Context) error { return nil }

// Stats is empty.
func (*Server) Stats() netloop.Stats { return netloop.Stats{Name: Name} }
