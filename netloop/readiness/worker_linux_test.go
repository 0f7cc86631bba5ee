package readiness

import (
	"io"
	"net"
	"strings"
	"testing"

	"flashstore/netloop"
)

// TestClientsHoldNoWorker: clients that do not send their bodies, and others that do not take their
// answers, keep nobody waiting; and when they do there are no more workers than before.
func TestClientsHoldNoWorker(t *testing.T) {
	c := config(t, 0)
	c.Workers = 2
	answer := []byte(strings.Repeat("a", 16<<20)) // no socket takes it
	s, address := start(t, c, handlerFunc(func(ex *netloop.Exchange) {
		if string(ex.Request.Path) == "/long" {
			ex.SetContentLength(int64(len(answer)))
			_ = ex.Write(answer)
			return
		}
		body := make([]byte, 10)
		for n := 0; n < int(ex.Request.ContentLength); {
			m, err := ex.ReadBody(body)
			if err != nil {
				t.Error(err)
				return
			}
			n += m
		}
	}))
	const each = 8
	var senders, takers []net.Conn
	for range each {
		sender, taker := dial(t, address), dial(t, address)
		send(t, sender, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
		send(t, taker, "GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
		senders, takers = append(senders, sender), append(takers, taker)
	}
	until(t, func() bool { return s.workers.stoodAside() == 2*each })
	good := dial(t, address)
	ask(t, good)
	wantStatus(t, good, 200)
	for i := range each {
		send(t, senders[i], "0123456789")
		wantStatus(t, senders[i], 200)
		resp := wantStatus(t, takers[i], 200)
		if n, err := io.Copy(io.Discard, resp.Body); int(n) != len(answer) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	until(t, func() bool {
		s.workers.mu.Lock()
		defer s.workers.mu.Unlock()
		return s.workers.aside == 0 && s.workers.count <= c.Workers
	})
}

// stoodAside is how many workers wait for their clients.
func (p *pool) stoodAside() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.aside
}

// TestManyGoOn: more clients than there are workers go on at once; while they do nothing is begun,
// and then there are as many workers as before.
func TestManyGoOn(t *testing.T) {
	const many, workers = 50, 2
	c := config(t, 0)
	c.Workers = workers
	back, leave := make(chan struct{}, many), make(chan struct{})
	s, address := start(t, c, handlerFunc(func(ex *netloop.Exchange) {
		if ex.Request.ContentLength == 0 {
			return
		}
		if _, err := ex.ReadBody(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		back <- struct{}{}
		<-leave
	}))
	conns := make([]net.Conn, many)
	for i := range conns {
		conns[i] = dial(t, address)
		send(t, conns[i], "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
	}
	until(t, func() bool { return s.workers.stoodAside() == many })
	for _, conn := range conns {
		send(t, conn, "a")
	}
	for range many {
		<-back
	}
	later := dial(t, address)
	ask(t, later)
	until(t, s.workers.crowded)
	close(leave)
	wantStatus(t, later, 200)
	for _, conn := range conns {
		wantStatus(t, conn, 200)
	}
	until(t, func() bool {
		s.workers.mu.Lock()
		defer s.workers.mu.Unlock()
		return s.workers.aside == 0 && s.workers.count <= workers
	})
}
