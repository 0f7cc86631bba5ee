package readiness

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"flashstore/netloop"
)

// stalling answers on the loop, which it can hold up.
type stalling struct {
	entered, leave chan struct{}
}

func (stalling) Handle(*netloop.Exchange) {}

func (h stalling) TryHandle(ex *netloop.Exchange) bool {
	if string(ex.Request.Path) == "/stall" {
		close(h.entered)
		<-h.leave
	}
	return true
}

// TestLateLoop: a loop that was held up takes none of its clients for late whose head has come in
// time, however many they are.
func TestLateLoop(t *testing.T) {
	const clients = 3 * eventsMax
	c := config(t, 0)
	c.Limits.HeadTimeout = time.Second
	h := stalling{make(chan struct{}), make(chan struct{})}
	s, address := start(t, c, h)
	leave := sync.OnceFunc(func() { close(h.leave) })
	defer leave() // also if the clients were late, or the server never ends
	conns := make([]net.Conn, clients)
	for i := range conns {
		conns[i] = dial(t, address)
	}
	began := time.Now()
	for _, c := range conns {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHo"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool { return s.Stats().ReadBytes >= clients*18 })
	stall := dial(t, address)
	if _, err := io.WriteString(stall, "GET /stall HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-h.entered
	for _, c := range conns {
		if _, err := io.WriteString(c, "st: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > c.Limits.HeadTimeout {
		t.Skipf("the clients themselves were late: %v", took)
	}
	until(t, func() bool { return time.Since(began) > 2*c.Limits.HeadTimeout })
	leave()
	for _, c := range conns {
		wantStatus(t, c, 200)
	}
	wantStatus(t, stall, 200)
}
