//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"flashstore/netloop"
	"flashstore/netloop/session"
)

// Server is a netloop.Server made of event loops.
type Server struct {
	config  Config
	shared  session.Shared
	loops   []*loop
	tls     *tls.Config // nil: plain HTTP
	records session.Records
	workers pool
	handler netloop.Handler
	inline  netloop.InlineHandler // handler, if it is one
	busy    netloop.BusyHandler   // likewise

	handshakers pool

	admission *netloop.Admission
	ended     chan struct{} // closed when all loops have ended

	accepting atomic.Int32 // loops that have listeners

	untakenBytes    atomic.Int64 // of all conn.spill
	untakenBytesMax int64        // 0: no limit

	mu             sync.Mutex
	begun, stopped bool
}

var _ netloop.Server = (*Server)(nil)

// New returns a server that listens nowhere yet. It holds descriptors: Shutdown frees them.
func New(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.setDefaults()
	s := &Server{config: config, ended: make(chan struct{})}
	s.shared.Limits = config.Limits
	s.shared.WaitingBytesMax = netloop.WaitingBytesMax(config.Allocator.Stats().BudgetBytes)
	s.untakenBytesMax = s.shared.WaitingBytesMax
	s.admission = netloop.NewAdmission(&s.config.Limits)
	s.workers = pool{server: s, workersMax: config.Workers, stepping: true,
		waitMax: config.Limits.QueueWaitMax}
	s.handshakers = pool{server: s, workersMax: handshakersMax}
	if config.TLS != nil {
		s.tls = netloop.ServerTLS(config.TLS, "http/1.1")
	}
	for i := range config.Loops {
		l, err := newLoop(s, i)
		if err != nil {
			s.release()
			return nil, err
		}
		s.loops = append(s.loops, l)
	}
	return s, nil
}

// Listen binds one socket per loop to address; see netloop.Server.
func (s *Server) Listen(address string) (net.Addr, error) {
	fds, bound, err := listenSockets(address, len(s.loops))
	if err != nil {
		return nil, err
	}
	for i, l := range s.loops {
		l.listeners = append(l.listeners, fds[i])
	}
	return bound, nil
}

// Serve runs the loops until Shutdown; see netloop.Server.
func (s *Server) Serve(handler netloop.Handler) error {
	s.handler = handler
	s.inline, _ = handler.(netloop.InlineHandler)
	s.busy, _ = handler.(netloop.BusyHandler)
	if begun, err := s.begin(); !begun {
		return err
	}
	failed := make(chan error, len(s.loops))
	for _, l := range s.loops {
		go func() { failed <- l.run() }()
	}
	var errs []error
	for range s.loops {
		err := <-failed
		if err != nil {
			s.order(orderStop) // one loop cannot go on: the server ends
		}
		errs = append(errs, err)
	}
	s.handshakers.stop()
	s.workers.stop()
	s.release()
	close(s.ended)
	return errors.Join(errs...)
}

func (s *Server) begin() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false, nil
	}
	for _, l := range s.loops {
		for i, fd := range l.listeners {
			if err := l.poller.addListener(fd, listenerToken(i)); err != nil {
				return false, fmt.Errorf("readiness: watch a listener: %w", err)
			}
		}
	}
	s.accepting.Store(int32(len(s.loops)))
	s.begun = true
	return true, nil
}

// Shutdown ends the server; see netloop.Server. When ctx ends first, sockets are cut and
// Shutdown returns, while handlers that do not notice go on until they do.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	first, begun := !s.stopped, s.begun
	s.stopped = true
	s.mu.Unlock()
	if !begun {
		if first {
			s.release()
		}
		return nil
	}
	s.shared.Closing.Store(true)
	s.order(orderStop)
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		s.order(orderCut)
		return ctx.Err()
	}
}

func (s *Server) order(o order) {
	for _, l := range s.loops {
		l.send(letter{order: o})
	}
}

func (s *Server) release() {
	for _, l := range s.loops {
		l.release()
	}
}

// Stats counts since New.
func (s *Server) Stats() netloop.Stats {
	stats := netloop.Stats{Name: Name, Loops: len(s.loops)}
	for _, l := range s.loops {
		l.counters.AddTo(&stats)
	}
	return stats
}
