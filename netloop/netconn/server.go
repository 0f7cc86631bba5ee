package netconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"flashstore/arena"
	"flashstore/netloop"
	"flashstore/netloop/session"
)

// acceptRetry is how long an accept that lacks descriptors or memory waits.
const acceptRetry = 10 * time.Millisecond

// Config is what a Server needs.
type Config struct {
	Limits    netloop.Limits
	Allocator arena.Allocator // of connection blocks and request memory; not closed
	TLS       *tls.Config     // whose certificates to show; nil: no TLS. Not changed
}

// Validate names the first thing that is missing or out of range.
func (c *Config) Validate() error {
	if c.Allocator == nil {
		return errors.New("netconn: Config.Allocator is nil")
	}
	return c.Limits.Validate()
}

// Server is a netloop.Server with a goroutine per connection.
type Server struct {
	config    Config
	shared    session.Shared
	counters  session.Counters
	admission *netloop.Admission
	handler   netloop.Handler
	busy      netloop.BusyHandler // handler, if it is one
	listeners []net.Listener
	sessions  sync.Pool // of *active
	records   session.Records
	tls       *tls.Config // nil: plain HTTP
	closed    chan struct{}

	mu       sync.Mutex
	conns    map[*conn]struct{}
	stopping bool
	running  sync.WaitGroup // connections and accept loops
	homes    int
}

var _ netloop.Server = (*Server)(nil)

// New returns a server that listens nowhere yet.
func New(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, conns: map[*conn]struct{}{}, closed: make(chan struct{})}
	s.shared.Limits = config.Limits
	s.shared.WaitingBytesMax = netloop.WaitingBytesMax(config.Allocator.Stats().BudgetBytes)
	s.admission = netloop.NewAdmission(&s.config.Limits)
	if config.TLS != nil {
		s.tls = netloop.ServerTLS(config.TLS, "http/1.1")
	}
	return s, nil
}

// Listen binds address; see netloop.Server.
func (s *Server) Listen(address string) (net.Addr, error) {
	l, err := session.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("netconn: listen: %w", err)
	}
	s.listeners = append(s.listeners, l)
	return l.Addr(), nil
}

// Serve accepts and answers until Shutdown; see netloop.Server.
func (s *Server) Serve(handler netloop.Handler) error {
	s.handler = handler
	s.busy, _ = handler.(netloop.BusyHandler)
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- s.accept(l) }()
	}
	var errs []error
	for range s.listeners {
		errs = append(errs, <-failed)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("netconn: accept: %w", err)
	}
	<-s.closed
	return nil
}

func (s *Server) accept(l net.Listener) error {
	for {
		socket, err := l.Accept()
		switch {
		case err == nil:
			s.start(socket.(*net.TCPConn))
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Out of descriptors or memory; there is nothing to do but to wait.
			time.Sleep(acceptRetry)
		}
	}
}

func (s *Server) start(socket *net.TCPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &conn{server: s, socket: socket, home: s.homes}
	if tcp, ok := socket.RemoteAddr().(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		c.remote = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	if s.stopping || !s.admission.Enter(c.remote.Addr()) {
		s.counters.Refused.Add(1)
		_ = socket.Close()
		return
	}
	s.counters.Accepted.Add(1)
	s.counters.Connections.Add(1)
	s.homes++
	s.conns[c] = struct{}{}
	s.running.Add(1)
	go c.run()
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.admission.Leave(c.remote.Addr())
	s.counters.Connections.Add(-1)
	s.running.Done()
}

// Shutdown ends the server; see netloop.Server.
func (s *Server) Shutdown(ctx context.Context) error {
	s.shared.Closing.Store(true)
	s.mu.Lock()
	first := !s.stopping
	s.stopping = true
	for c := range s.conns {
		c.endIdle()
	}
	s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.socket.Close()
		}
		s.mu.Unlock()
	}
	if first {
		close(s.closed)
	}
	return err
}

// Stats counts since New.
func (s *Server) Stats() netloop.Stats {
	stats := netloop.Stats{Name: "netconn"}
	s.counters.AddTo(&stats)
	return stats
}
