package readiness

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// handshake returns a TLS client of address after its handshake.
func handshake(t *testing.T, address string, config *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(dial(t, address), config)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// greeting begins a handshake and does not get on with it; the answer is not read.
func greeting(t *testing.T, address string, config *tls.Config) net.Conn {
	t.Helper()
	c := dial(t, address)
	if _, err := io.WriteString(c, hello(t, config)); err != nil {
		t.Fatal(err)
	}
	return c
}

// hello is the first record of a client.
func hello(t *testing.T, config *tls.Config) string {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		_ = tls.Client(theirs, config).Handshake()
	}()
	record := make([]byte, 16<<10)
	n, err := ours.Read(record)
	if err != nil {
		t.Fatal(err)
	}
	return string(record[:n])
}

// TestHandshakeFlood: handshakes beyond what may run and wait are closed, and requests of those
// who are through are answered meanwhile.
func TestHandshakeFlood(t *testing.T) {
	identity := netlooptest.NewIdentity(t)
	c := config(t, 0)
	c.TLS, c.Limits.QueueMax = identity.Server, 1
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	through := handshake(t, address, identity.Client)
	until(t, func() bool { return s.Stats().Handshakes == 1 })
	s.handshakers.mu.Lock()
	s.handshakers.workersMax = 1
	s.handshakers.mu.Unlock()

	running := greeting(t, address, identity.Client)
	if _, err := io.ReadFull(running, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	waiting := greeting(t, address, identity.Client)
	until(t, func() bool {
		s.handshakers.mu.Lock()
		defer s.handshakers.mu.Unlock()
		return len(s.handshakers.queue)-s.handshakers.queueAt == 1
	})
	refused := greeting(t, address, identity.Client)
	if n, err := refused.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("%d bytes, %v: the third was to be closed", n, err)
	}
	if n := s.Stats().Refused; n != 1 {
		t.Errorf("%d refused", n)
	}
	ask(t, through)
	wantStatus(t, through, 200)

	_ = running.Close()
	if _, err := io.ReadFull(waiting, make([]byte, 5)); err != nil {
		t.Errorf("the one that waited: %v", err)
	}
	if n := s.Stats().HandshakesFailed; n != 1 {
		t.Errorf("%d failed", n)
	}
}

// TestSpillBesidesAnswers: what TLS has to say while the socket has no room, beside any answer,
// leaves when there is room, before what a worker writes. A KeyUpdate is such a thing.
func TestSpillBesidesAnswers(t *testing.T) {
	identity := netlooptest.NewIdentity(t)
	c := config(t, 0)
	c.TLS = identity.Server
	s, address := start(t, c, handlerFunc(func(ex *netloop.Exchange) {
		_ = ex.Write([]byte("hello"))
	}))
	for _, asks := range []bool{false, true} {
		before := s.Stats().Handshakes
		client := handshake(t, address, identity.Client)
		until(t, func() bool { return s.Stats().Handshakes > before })
		until(t, func() bool { return idle(s.loops[0], func(*conn) {}) })
		idle(s.loops[0], func(c *conn) { c.spill = c.tls.seal(t, "besides") })
		if asks {
			ask(t, client)
		} else if _, err := io.WriteString(client, "GET / HT"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len("besides"))
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "besides" {
			t.Fatalf("%q, %v", got, err)
		}
		if asks {
			wantStatus(t, client, 200)
		}
		_ = client.Close()
		until(t, func() bool { return s.Stats().Connections == 0 })
	}
}

// TestSpillWhileDraining: what TLS has to say gives no client more time to send a body that nobody
// reads.
func TestSpillWhileDraining(t *testing.T) {
	identity := netlooptest.NewIdentity(t)
	c := config(t, 0)
	c.TLS, c.Limits.DrainTimeout = identity.Server, time.Hour
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	client := handshake(t, address, identity.Client)
	const head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
	if _, err := io.WriteString(client, head); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, client, 200)
	var by int64
	draining := func(c *conn) { by = c.headBy }
	until(t, func() bool { return idle(s.loops[0], draining) && by != 0 })
	began := by
	idle(s.loops[0], func(c *conn) {
		c.headBy = by - 1 // as if it had begun earlier
		c.spill = c.tls.seal(t, "besides")
	})
	if _, err := io.WriteString(client, "1"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, len("besides"))); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		return idle(s.loops[0], func(c *conn) { by = c.timer.deadline.Load() })
	})
	if by != began-1 {
		t.Errorf("it has to end by tick %d, and had until %d", by, began-1)
	}
	if _, err := io.WriteString(client, "2345GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, client, 200)
}

// seal makes a record without sending it.
func (s *secure) seal(t *testing.T, data string) []byte {
	t.Helper()
	c := s.Conn.NetConn().(wire).c
	c.spill = []byte{} // not nil, and what follows comes behind it
	c.spill = append(c.spill, 0)
	if _, err := s.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	return c.spill[1:]
}

// idle calls do with the first connection if it belongs to nobody, and reports whether it does.
// A loop that sleeps does not touch its slots.
func idle(l *loop, do func(*conn)) bool {
	if !l.asleep.Load() {
		return false
	}
	for _, c := range l.slots {
		if c != nil && c.owner.CompareAndSwap(ownerNobody, ownerLoop) {
			do(c)
			c.owner.Store(ownerNobody)
			return true
		}
	}
	return false
}

// TestIdleBytes measures what a connection holds that waits for its next request.
func TestIdleBytes(t *testing.T) {
	const count = 200
	identity := netlooptest.NewIdentity(t)
	for _, run := range []struct {
		name          string
		version       uint16 // 0: no TLS
		body          int
		bytesMostEach int64
	}{
		{"plain", 0, 0, 3 << 10},
		{"TLS 1.2", tls.VersionTLS12, 0, 12 << 10},
		{"TLS 1.3", tls.VersionTLS13, 0, 12 << 10},
		{"TLS 1.3 after a body", tls.VersionTLS13, 1 << 20, 28 << 10},
	} {
		c := config(t, 0)
		if run.version != 0 {
			c.TLS = identity.Server
		}
		_, address := start(t, c, handlerFunc(func(ex *netloop.Exchange) {
			_, _ = io.Copy(io.Discard, struct{ io.Reader }{ex})
		}))
		request := "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + fmt.Sprint(run.body) +
			"\r\n\r\n" + strings.Repeat("x", run.body)
		client := identity.Client.Clone()
		client.ClientSessionCache = nil
		client.MinVersion, client.MaxVersion = run.version, run.version
		var before, after runtime.MemStats
		open := func() { // only the server keeps its half of the TLS
			var conn net.Conn = dial(t, address)
			if run.version != 0 {
				conn = tls.Client(conn, client)
			}
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil ||
				resp.StatusCode != 200 {
				t.Fatalf("%v, %v", resp, err)
			}
		}
		open() // what there is once
		settle := func(m *runtime.MemStats) {
			until(t, func() bool { return c.Allocator.Stats().BlocksInUse == 0 })
			for range 3 {
				runtime.GC()
			}
			runtime.ReadMemStats(m)
		}
		settle(&before)
		for range count {
			open()
		}
		settle(&after)
		each := int64(after.HeapAlloc-before.HeapAlloc) / count
		t.Logf("%s: %d bytes a connection, some 800 of them the test's", run.name, each)
		if each > run.bytesMostEach {
			t.Errorf("%s: %d bytes a connection, want at most %d", run.name, each, run.bytesMostEach)
		}
	}
}

// TestShakeTakesNoTimeThatIsOver: who waited for a worker for longer than a handshake may take
// gets none.
func TestShakeTakesNoTimeThatIsOver(t *testing.T) {
	identity := netlooptest.NewIdentity(t)
	c := config(t, 0)
	c.TLS = identity.Server
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	client := dial(t, address)
	until(t, func() bool { return s.Stats().Connections == 1 })
	until(t, func() bool {
		return idle(s.loops[0], func(c *conn) { c.headBy = 1 }) // the first tick
	})
	until(t, func() bool { return time.Since(s.loops[0].start) > 2*tick })
	if _, err := io.WriteString(client, hello(t, identity.Client)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadFull(client, make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("%d bytes, %v: want the end", n, err)
	}
	if stats := s.Stats(); stats.TimedOut != 1 || stats.HandshakesFailed != 1 {
		t.Errorf("%+v", stats)
	}
}

// TestSilentHandshakes: clients that greet and fall silent do not hold up one that goes on.
func TestSilentHandshakes(t *testing.T) {
	identity := netlooptest.NewIdentity(t)
	c := config(t, 0)
	c.TLS, c.Limits.HeadTimeout = identity.Server, time.Hour
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	s.handshakers.mu.Lock()
	s.handshakers.workersMax = 2
	s.handshakers.mu.Unlock()
	for range 2 {
		silent := greeting(t, address, identity.Client)
		if _, err := io.ReadFull(silent, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
	}
	client := handshake(t, address, identity.Client) // in vain after 20 s
	ask(t, client)
	wantStatus(t, client, 200)
	until(t, func() bool { return s.Stats().HandshakesFailed > 0 })
}
