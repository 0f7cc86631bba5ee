package e2e

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	generator "flashstore/bench/load"
	"flashstore/bench/sign"
)

var (
	slowFlag     = flag.Int("e2e.slow", 300, "connections of TestSlowConnections that dawdle")
	slowTimeFlag = flag.Duration("e2e.slowtime", 13*time.Second,
		"how long the good client of TestSlowConnections works; longer than they last")
)

const (
	slowRate     = 2000 // requests per second of the good client
	goodShare    = 0.95 // of its rate that it keeps
	slowBigBytes = 8 << 20
	// slowReaped is when the slowest kind has to be gone: a body is judged after 10 s, and its
	// connection drains for half a second.
	slowReaped = 22 * time.Second
	// slowOver is longer than all limits of the test's server: who is not cut by then never is.
	slowOver = 26 * time.Second
)

// slowKinds are ways to take one's time: what is sent at once, and then byte by byte; without
// drip the client does not read its answer.
func slowKinds(s *server) []struct{ first, drip string } {
	host := s.host()
	key := sign.New(rootUser, rootPassword, "us-east-1")
	target := func(method, path string) string {
		return key.Presign(method, host, path, time.Now(), time.Hour)
	}
	head := func(method, path, more string) string {
		return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, target(method, path), host,
			more)
	}
	return []struct{ first, drip string }{
		{"GET /slow/small HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ", strings.Repeat("x", 1000)},
		{head("PUT", "/slow/body", "Content-Length: 100000\r\n"), strings.Repeat("x", 1000)},
		{strings.Repeat(head("GET", "/slow/big", ""), 4), ""},
	}
}

// TestSlowConnections: clients that send a head or a body byte by byte, or do not read their
// answer, are cut by their limit, and meanwhile a good client keeps its rate.
func TestSlowConnections(t *testing.T) {
	for _, netloop := range []string{"epoll", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel() // with the other one: it mostly waits for limits
			s := newServer(t, 4, "--netloop", netloop, "--head-timeout", "3s", "--write-timeout", "5s",
				"--idle-timeout", "5s").start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/slow"})
			small := content{1, 4 << 10}
			s.put("/slow/small", small, http.StatusOK)
			s.put("/slow/big", content{2, slowBigBytes}, http.StatusOK)
			before := s.held()
			slow := s.dawdle(t)
			got, err := generator.Run(t.Context(), generator.Config{
				Address: s.host(), Method: http.MethodGet,
				Objects:     []generator.Object{{Path: "/slow/small", Bytes: small.sizeBytes}},
				Signer:      sign.New(rootUser, rootPassword, "us-east-1"),
				Connections: 16, Rate: slowRate, Warmup: time.Second, Duration: *slowTimeFlag})
			if err != nil || got.Failed() > 0 {
				t.Fatalf("the good client: %v: %s", err, got.ErrorText())
			}
			t.Logf("%d slow connections beside %.0f requests/s; p99 %v", *slowFlag, got.PerSecond,
				time.Duration(got.Latency.P99)*time.Microsecond)
			if got.PerSecond < goodShare*slowRate {
				t.Errorf("the good client got %.0f of %d requests a second", got.PerSecond, slowRate)
			}
			slow.want(t)
			s.settle(t, before) // the good client's connections end behind its last answer
			s.stop()
		})
	}
}

// dawdlers are slow connections.
type dawdlers struct {
	done sync.WaitGroup
	mu   sync.Mutex
	cut  int           // by the server
	last time.Duration // from its beginning to its end, of the one that was cut last
}

// dawdle opens slow connections of all kinds.
func (s *server) dawdle(t *testing.T) *dawdlers {
	d := &dawdlers{}
	kinds := slowKinds(s)
	ctx, cancel := context.WithTimeout(t.Context(), max(slowOver, *slowTimeFlag))
	t.Cleanup(cancel)
	for i := range *slowFlag {
		c, err := net.Dial("tcp", s.host())
		if err != nil {
			t.Fatal(err)
		}
		k := kinds[i%len(kinds)]
		d.done.Go(func() { d.run(ctx, c.(*net.TCPConn), k.first, k.drip) })
	}
	return d
}

// run is one connection, until it is cut or the time is over.
func (d *dawdlers) run(ctx context.Context, c *net.TCPConn, first, drip string) {
	defer c.Close()
	began := time.Now()
	_ = c.SetReadBuffer(4 << 10) // what is not read is left to the server
	_, err := c.Write([]byte(first))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for err == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if len(drip) > 0 {
			_, err = c.Write([]byte(drip[:1]))
			drip = drip[1:]
		} else {
			_, err = c.Write([]byte("G")) // of a request more: who was cut gets an error
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut++
	d.last = max(d.last, time.Since(began))
}

// want checks that all were cut in time.
func (d *dawdlers) want(t *testing.T) {
	t.Helper()
	d.done.Wait()
	t.Logf("%d of %d slow connections were cut, the last after %v", d.cut, *slowFlag,
		d.last.Round(time.Millisecond))
	if d.cut != *slowFlag || d.last > slowReaped {
		t.Errorf("%d of %d slow connections were cut, the last after %v, %v is allowed", d.cut,
			*slowFlag, d.last, slowReaped)
	}
}
