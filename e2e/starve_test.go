package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/bench/sign"
)

const (
	starvers  = 1_200 // more than the server has workers
	dripEvery = time.Second
	dripBytes = 600 // faster than the minimum rate of a body
	starvePut = 3 * time.Second
	starveEnd = 8 * time.Second // of clients that are cut after a second, and then linger
	// halfHeads are more than the blocks of halfBudget.
	halfHeads  = 1_000
	halfBudget = "32MiB"
	halfHeld   = 4 // blocks of whoever asks, and of who was just served
	// exhausters at most are needed: each holds a block or two of the 128 in exhaustBudget.
	exhausters    = 1_000
	exhaustBudget = "8MiB"
	// slowReaders would need four times what bodies have of slowBudget, a stripe each.
	slowReaders = 64
	slowBudget  = "32MiB"
)

// starving runs test with a server of each loop that has a bucket.
func starving(t *testing.T, test func(t *testing.T, s *server), args ...string) {
	for _, netloop := range []string{"epoll", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			s := newServer(t, 4, append(args, "--netloop", netloop)...).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/starve"})
			test(t, s)
			s.stop()
		})
	}
}

// wantGood checks that a good client is served at once.
func (s *server) wantGood(t *testing.T) {
	t.Helper()
	body := content{7, 100 << 10}
	for i := range 5 {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*starvePut)
		res, err := s.open(ctx, request{method: "PUT", path: fmt.Sprintf("/starve/good-%d", i),
			body: body.bytes()})
		if err != nil {
			cancel()
			t.Errorf("a good PUT, after %v: %v", time.Since(began), err)
			return
		}
		a, err := readAnswer(res)
		cancel()
		if took := time.Since(began); err != nil || a.status != http.StatusOK || took > starvePut {
			t.Errorf("a good PUT, after %v: %v, %v", took, a, err)
			return
		}
	}
}

// TestFewDescriptors: a flood of idle clients takes no file descriptors from the drives, which would
// end all writing.
func TestFewDescriptors(t *testing.T) {
	const files = 600
	for _, netloop := range []string{"epoll", "netconn", "nethttp"} {
		t.Run(netloop, func(t *testing.T) {
			s := newServer(t, 4, "--netloop", netloop)
			s.under = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)}
			s.start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/starve"})
			var idle []net.Conn
			for range files {
				c, err := net.Dial("tcp", s.host())
				if err != nil {
					break
				}
				defer c.Close()
				idle = append(idle, c)
			}
			s.must(t, http.StatusOK, request{method: "PUT", path: "/starve/bulk",
				body: content{3, 4 << 20}.bytes()}) // over the connection that is open
			for _, c := range idle {
				_ = c.Close()
			}
			s.wantGood(t)
			if n := s.status().Sets[0].DrivesOnline; n != 4 {
				t.Errorf("%d drives are online", n)
			}
			if !strings.Contains(s.log(), "LimitNOFILE") {
				t.Error("nobody was told")
			}
			s.stop()
		})
	}
}

// TestSlowReaders: clients that do not take large answers keep neither writes nor other reads from
// the memory of bodies.
func TestSlowReaders(t *testing.T) {
	starving(t, func(t *testing.T, s *server) {
		large := s.put("/starve/large", content{9, 16 << 20}, http.StatusOK)
		target := sign.New(rootUser, rootPassword, "us-east-1").Presign("GET", s.host(),
			"/starve/large", time.Now(), time.Hour)
		for range slowReaders {
			c, err := net.Dial("tcp", s.host())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target,
				s.host()); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
				t.Fatal(err)
			}
		}
		s.wantGood(t)
		if err := s.readable(large); err != nil {
			t.Error(err)
		}
	}, "--memory-budget", slowBudget)
}

// TestUnreadBodies: clients whose PUT was refused and who go on sending its body, slowly, keep
// nobody else waiting, and are cut soon.
func TestUnreadBodies(t *testing.T) {
	starving(t, func(t *testing.T, s *server) {
		text := "PUT /starve/anonymous HTTP/1.1\r\nHost: " + s.host() +
			"\r\nContent-Length: 200000\r\n\r\n"
		var refused, cut sync.WaitGroup
		var once sync.Once
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		for range starvers {
			c, err := net.Dial("tcp", s.host())
			if err != nil {
				t.Fatal(err)
			}
			refused.Add(1)
			cut.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(starveEnd))
				_, err := io.WriteString(c, text)
				if err == nil {
					err = answered(c.(*net.TCPConn), 1, http.StatusForbidden)
				}
				if err != nil {
					once.Do(func() { t.Errorf("the answer to a bad PUT: %v", err) })
				}
				_ = c.SetDeadline(time.Now().Add(abuseOver))
				refused.Done()
				dribble(ctx, c)
			})
		}
		refused.Wait()
		s.wantGood(t)
		late := time.AfterFunc(starveEnd, cancel)
		cut.Wait()
		if !late.Stop() {
			t.Errorf("some were not cut within %v", time.Since(began))
		}
	}, "--drain-timeout", "1s")
}

// TestSlowUploads: clients with credentials whose bodies come slowly, more of them than the server
// has workers, keep nobody else waiting, and what they send is taken.
func TestSlowUploads(t *testing.T) {
	starving(t, func(t *testing.T, s *server) {
		signer := sign.New(rootUser, rootPassword, "us-east-1")
		slow := make([]net.Conn, starvers)
		for i := range slow {
			c, err := net.Dial("tcp", s.host())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(abuseOver))
			target := signer.Presign("PUT", s.host(), fmt.Sprintf("/starve/slow-%d", i), time.Now(),
				time.Hour)
			if _, err := fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\n"+
				"Content-Length: %d\r\n\r\n", target, s.host(), 2*dripBytes); err != nil {
				t.Fatal(err)
			}
			slow[i] = c
		}
		half := strings.Repeat("x", dripBytes)
		for _, c := range slow { // its body is waited for, and half of it comes
			if err := answered(c.(*net.TCPConn), 1, http.StatusContinue); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, half); err != nil {
				t.Fatal(err)
			}
		}
		s.wantGood(t)
		if code := s.health("cluster"); code != http.StatusOK {
			t.Errorf("health: %d", code)
		}
		for _, c := range slow {
			if _, err := io.WriteString(c, half); err != nil {
				t.Fatal(err)
			}
			if err := answered(c.(*net.TCPConn), 1, http.StatusOK); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// dribble sends bytes of a body until the server cuts the connection.
func dribble(ctx context.Context, c net.Conn) {
	tick := time.NewTicker(dripEvery)
	defer tick.Stop()
	for piece := []byte(strings.Repeat("x", dripBytes)); ; {
		if _, err := c.Write(piece); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// TestHalfHeads: clients who sent a part of a head hold next to none of the request memory.
func TestHalfHeads(t *testing.T) {
	starving(t, func(t *testing.T, s *server) {
		before := s.status().Cost
		var half []net.Conn
		for range halfHeads {
			c, err := net.Dial("tcp", s.host())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, "G"); err != nil {
				t.Fatal(err)
			}
			half = append(half, c)
		}
		s.wantGood(t)
		held := s.status().Cost.BlocksInUse - before.BlocksInUse
		if held > halfHeld {
			t.Errorf("%d half heads hold %d blocks", halfHeads, held)
		}
		for _, c := range half { // and each is a request once it is whole
			_ = c.SetDeadline(time.Now().Add(abuseOver))
			_, err := io.WriteString(c, "ET /flashstore/health/live HTTP/1.1\r\nHost: h\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("the rest of a head: %v, %v", res, err)
			}
		}
	}, "--memory-budget", halfBudget, "--head-timeout", "20s")
}

// TestExhaustedMemory: while others have all of the request memory, a request is answered as S3
// does when it is asked too much, and is counted.
func TestExhaustedMemory(t *testing.T) {
	starving(t, func(t *testing.T, s *server) {
		list := request{method: "GET", path: "/starve", query: url.Values{"list-type": {"2"}}}
		a, err := s.do(list)
		var slow []net.Conn
		for ; err == nil && a.status == http.StatusOK && len(slow) < exhausters; a, err = s.do(list) {
			slow = append(slow, s.half(t, fmt.Sprintf("/exhaust-%d", len(slow))))
		}
		if err != nil || a.status != http.StatusServiceUnavailable || a.code != "SlowDown" ||
			a.header.Get("Retry-After") == "" || a.header.Get("x-amz-request-id") == "" {
			t.Errorf("beside %d slow requests: %v, %v", len(slow), a, err)
		}
		for _, c := range slow {
			_ = c.Close()
		}
		refused := regexp.MustCompile(`(?m)^flashstore_http_busy_total [1-9]|` +
			`^flashstore_requests_total{code="5xx",op="ListObjectsV2"} [1-9]`)
		// Metrics are refused as well until the slow requests have ended.
		for end := time.Now().Add(starveEnd); ; {
			if a, err = s.plain("GET", "/flashstore/metrics", nil); err != nil {
				t.Fatal(err)
			}
			found := refused.FindAllString(string(a.body), -1)
			if len(found) == 2 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("of a refusal metrics say only %q", found)
			}
		}
	}, "--memory-budget", exhaustBudget, "--metrics-public")
}

// half sends a request whose body, which has to be XML, does not end.
func (s *server) half(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	target := sign.New(rootUser, rootPassword, "us-east-1").Presign("PUT", s.host(), path,
		time.Now(), time.Hour)
	_, err = fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n<Crea", target,
		s.host())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
