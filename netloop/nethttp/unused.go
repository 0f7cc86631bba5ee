package nethttp

import (
	"net"
	"net/http"
	"sync"
)

// unused holds the connections that have not sent a byte yet. http.Server.Shutdown takes them
// for busy during 5 seconds; they are idle, and close at once.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// watch is told of the states of connections and reports whether c is used for the first time.
func (u *unused) watch(c net.Conn, state http.ConnState) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, first = u.conns[c]
	if state == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
	return first && state == http.StateActive
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		_ = c.Close()
	}
}
