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
		for c, head := range map[net.Conn]string{
			sender: "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n",
			taker:  "GET /long HTTP/1.1\r\nHost: h\r\n\r\n",
		} {
			if _, err := io.WriteString(c, head); err != nil {
				t.Fatal(err)
			}
		}
		senders, takers = append(senders, sender), append(takers, taker)
	}
	until(t, func() bool { return s.workers.waitersNow() == 2*each })
	good := dial(t, address)
	ask(t, good)
	wantStatus(t, good, 200)
	for i := range each {
		if _, err := io.WriteString(senders[i], "0123456789"); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, senders[i], 200)
		resp := wantStatus(t, takers[i], 200)
		if n, err := io.Copy(io.Discard, resp.Body); int(n) != len(answer) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	until(t, func() bool {
		s.workers.mu.Lock()
		defer s.workers.mu.Unlock()
		return s.workers.waiters == 0 && s.workers.count <= c.Workers
	})
}

// waitersNow is how many workers wait for their clients, in a place besides.
func (p *pool) waitersNow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiters
}

// TestNoPlaceBesides: where there are no places besides, who waits for a client keeps its own.
func TestNoPlaceBesides(t *testing.T) {
	p := pool{workersMax: 1, waitersMax: 1, count: 2}
	if !p.stepAside() || p.stepAside() {
		t.Errorf("%d of 1 places", p.waiters)
	}
	p.stepBack()
	if p.waiters != 0 {
		t.Errorf("%d wait", p.waiters)
	}
	w := &worker{pool: &p}
	if _, end := p.next(w); !end || p.count != 1 {
		t.Errorf("end is %v, %d workers where 1 may be", end, p.count)
	}
	if _, end := p.next(w); end || len(p.idle) != 1 {
		t.Errorf("end is %v, %d idle", end, len(p.idle))
	}
}
