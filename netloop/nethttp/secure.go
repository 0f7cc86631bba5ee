package nethttp

import (
	"bytes"
	"crypto/tls"
	"log"
	"net"
	"net/http"
)

// shakeLog is where net/http writes what it has to say: to the standard log as ever, but for
// handshakes that failed, which anybody can make fail at any rate. These are counted.
func (s *Server) shakeLog() *log.Logger {
	return log.New(shakeFilter{s}, "", 0)
}

type shakeFilter struct{ server *Server }

func (f shakeFilter) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		f.server.counters.HandshakesFailed.Add(1)
		return len(line), nil
	}
	return len(line), log.Output(2, string(line))
}

// watch is the server's ConnState. A connection becomes active with its first request, so a
// handshake that no request follows is not counted.
func (s *Server) watch(c net.Conn, state http.ConnState) {
	first := s.unused.watch(c, state)
	if _, ok := c.(*tls.Conn); ok && first {
		s.counters.Handshakes.Add(1)
	}
}
