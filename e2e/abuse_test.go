package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/bench/sign"
)

const (
	abusers        = 500
	abusePipelined = 10_000
	// abuseSlack is what the collector may keep for later; 2 KiB of each of the 6,000 clients are more.
	abuseSlack = 12 << 20
	abuseOver  = 30 * time.Second // a body is judged over 10 s, and then lingers
)

// abuse is a client that means no good: what it sends, and what it does then.
type abuse struct {
	name    string
	clients int
	run     func(c *net.TCPConn) error
}

// abuses are the ways of section 4, row 20 of the faults that TestSlowConnections has not.
func (s *server) abuses() []abuse {
	host := s.host()
	key := sign.New(rootUser, rootPassword, "us-east-1")
	head := func(method, path, more string) string {
		return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method,
			key.Presign(method, host, path, time.Now(), time.Hour), host, more)
	}
	get := head("GET", "/abuse/object", "")
	cut := func(c *net.TCPConn) error { // by the server
		_, err := io.Copy(io.Discard, c)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return fmt.Errorf("nobody cut it: %w", err)
		}
		return nil
	}
	after := func(text string, then func(c *net.TCPConn) error) func(c *net.TCPConn) error {
		return func(c *net.TCPConn) error {
			if _, err := c.Write([]byte(text)); err != nil {
				return err
			}
			return then(c)
		}
	}
	ranges := "Range: bytes=" + strings.Repeat("0-,", 1000) + "0-\r\n"
	return []abuse{
		{"idle flood", abusers, cut},
		{"idle after a request", abusers, after(get, cut)},
		{"half-open in the head", abusers, after(get[:50], func(c *net.TCPConn) error {
			_ = c.CloseWrite()
			return cut(c)
		})},
		{"half-open in the body", abusers, after(head("PUT", "/abuse/half",
			"Content-Length: 100000\r\n")+"some", func(c *net.TCPConn) error {
			_ = c.CloseWrite()
			return cut(c)
		})},
		{"reset storm", 4 * abusers, after(get, func(c *net.TCPConn) error { return c.SetLinger(0) })},
		{"reset in the body", abusers, after(head("PUT", "/abuse/reset",
			"Content-Length: 100000\r\n")+"some", func(c *net.TCPConn) error { return c.SetLinger(0) })},
		{"100-continue, then silence", abusers, after(head("PUT", "/abuse/silent",
			"Expect: 100-continue\r\nContent-Length: 100000\r\n"), cut)},
		{"body without a signature", abusers, after("PUT /abuse/anonymous HTTP/1.1\r\nHost: "+host+
			"\r\nContent-Length: 1000000000\r\n\r\n", func(c *net.TCPConn) error {
			return answered(c, 1, http.StatusForbidden)
		})},
		{"1,001 ranges", abusers, after(head("GET", "/abuse/object", ranges),
			func(c *net.TCPConn) error { return answered(c, 1, http.StatusOK) })},
		{"10,000 pipelined", 4, func(c *net.TCPConn) error {
			go func() { _, _ = c.Write([]byte(strings.Repeat(get, abusePipelined))) }()
			return answered(c, abusePipelined, http.StatusOK)
		}},
	}
}

// answered reads so many answers of a status.
func answered(c *net.TCPConn, count, status int) error {
	from := bufio.NewReader(c)
	for i := range count {
		r, err := http.ReadResponse(from, nil)
		if err != nil {
			return fmt.Errorf("answer %d: %w", i+1, err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != status {
			return fmt.Errorf("answer %d: %s, %w", i+1, r.Status, err)
		}
	}
	return nil
}

// TestAbuse: whatever clients do, the server cuts them, serves others, and holds nothing of them
// afterwards: connections, descriptors, goroutines, blocks, memory.
func TestAbuse(t *testing.T) {
	t.Parallel()
	for _, netloop := range []string{"epoll", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel() // it mostly waits for limits, and counts what its own server holds
			s := newServer(t, 4, "--netloop", netloop, "--head-timeout", "2s", "--write-timeout", "3s",
				"--idle-timeout", "2s").start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/abuse"})
			o := content{1, 4 << 10}
			s.put("/abuse/object", o, http.StatusOK)
			before := s.held()
			s.storm(t) // tables and pools are there
			s.settle(t, before)
			grew := true
			for try := 0; grew && try < 3; try++ { // what leaks grows each time
				memory := s.memory("VmRSS")
				s.storm(t)
				s.settle(t, before)
				now := s.memory("VmRSS")
				t.Logf("memory: %d MiB before, %d after", memory>>20, now>>20)
				grew = float64(now) > 1.05*float64(memory)+abuseSlack
			}
			if grew {
				t.Error("memory grew each time")
			}
			s.put("/abuse/object", content{2, 100}, http.StatusOK)
			s.stop()
		})
	}
}

// settle waits until the server holds no more than before: what was cut may still linger.
func (s *server) settle(t *testing.T, before held) {
	t.Helper()
	deadline := time.Now().Add(abuseOver)
	for after := s.held(); ; after = s.held() {
		if after.within(before) {
			t.Logf("before %+v, after %+v", before, after)
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("before %+v, after %+v", before, after)
			return
		}
	}
}

// storm lets all abusers loose at once.
func (s *server) storm(t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	for _, a := range s.abuses() {
		var once sync.Once
		for range a.clients {
			wg.Go(func() {
				if err := s.abused(a.run); err != nil {
					once.Do(func() { t.Errorf("%s: %v", a.name, err) })
				}
			})
		}
	}
	wg.Wait()
}

func (s *server) abused(run func(c *net.TCPConn) error) error {
	c, err := net.Dial("tcp", s.host())
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(abuseOver))
	return run(c.(*net.TCPConn))
}

// held is what a server has in use.
type held struct {
	connections             int64
	descriptors, goroutines int
	blocks                  int64
}

func (s *server) held() held {
	s.t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.proc.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.status().Cost
	return held{c.Connections, len(fds), c.Goroutines, c.BlocksInUse}
}

// within allows for a few of the test's own connections, which come and go, and for the workers that
// a loop keeps.
func (h held) within(before held) bool {
	const own, workers = 4, 40
	return h.connections <= before.connections+own && h.descriptors <= before.descriptors+own &&
		h.goroutines <= before.goroutines+workers && h.blocks <= before.blocks+own
}
