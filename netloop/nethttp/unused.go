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

// watch is the server's ConnState.
func (u *unused) watch(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		_ = c.Close()
	}
}
