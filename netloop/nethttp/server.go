package nethttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"flashstore/arena"
	"flashstore/netloop"
	"flashstore/netloop/session"
)

// Config is what a Server needs.
type Config struct {
	Limits    netloop.Limits
	Allocator arena.Allocator // of the requests' scratch memory; not closed by the server
	TLS       *tls.Config     // whose certificates to show; nil: no TLS. Not changed
}

// Validate names the first thing that is missing or out of range.
func (c *Config) Validate() error {
	if c.Allocator == nil {
		return errors.New("nethttp: Config.Allocator is nil")
	}
	return c.Limits.Validate()
}

// Server is a netloop.Server on top of net/http.
type Server struct {
	config    Config
	http      http.Server
	handler   netloop.Handler
	listeners []net.Listener
	exchanges sync.Pool // of *exchange
	homes     atomic.Uint32
	counters  session.Counters
	admission *netloop.Admission
	unused    unused
}

var _ netloop.Server = (*Server)(nil)

// New returns a server that listens nowhere yet.
func New(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, unused: unused{conns: make(map[net.Conn]struct{})}}
	s.admission = netloop.NewAdmission(&s.config.Limits)
	s.exchanges.New = func() any { return s.newExchange() }
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: config.Limits.HeadTimeout,
		IdleTimeout:       config.Limits.IdleTimeout,
		MaxHeaderBytes:    config.Limits.HeadBytesMax,
		ConnContext:       withConn,
		ConnState:         s.watch,
		// Without this, OPTIONS * is answered by net/http itself.
		DisableGeneralOptionsHandler: true,
	}
	if config.TLS != nil {
		// With h2 among them net/http speaks HTTP/2 to who asks for it.
		s.http.TLSConfig = netloop.ServerTLS(config.TLS, "h2", "http/1.1")
		s.http.ErrorLog = s.shakeLog()
	}
	s.http.RegisterOnShutdown(s.unused.close)
	return s, nil
}

// Listen binds address; see netloop.Server.
func (s *Server) Listen(address string) (net.Addr, error) {
	l, err := session.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("nethttp: listen: %w", err)
	}
	counted := &listener{Listener: l, server: s}
	s.listeners = append(s.listeners, counted)
	return l.Addr(), nil
}

// Serve accepts and answers until Shutdown; see netloop.Server.
func (s *Server) Serve(handler netloop.Handler) error {
	s.handler = handler
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- s.serveOn(l) }()
	}
	var first error
	for range s.listeners {
		err := <-failed
		if err != nil && !errors.Is(err, http.ErrServerClosed) && first == nil {
			first = fmt.Errorf("nethttp: serve: %w", err)
			_ = s.http.Close() // one listener failed: the others end with it
		}
	}
	return first
}

func (s *Server) serveOn(l net.Listener) error {
	if s.http.TLSConfig == nil {
		return s.http.Serve(l)
	}
	return s.http.ServeTLS(l, "", "") // the certificates are the config's
}

// Shutdown ends the server; see netloop.Server.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // cut the rest; the context's error is the one to report
	}
	for _, l := range s.listeners {
		_ = l.Close() // again where Serve ran; the only time where it never did
	}
	return err
}

// Stats counts since New.
func (s *Server) Stats() netloop.Stats {
	stats := netloop.Stats{Name: "nethttp"}
	s.counters.AddTo(&stats)
	return stats
}
