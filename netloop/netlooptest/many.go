package netlooptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/netloop"
)

// many connections at once with payloads that say whose they are.
func (s *suite) many(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := start(t, s, nil)
	const clients, requests = 100, 60
	var wait sync.WaitGroup
	for i := range clients {
		c := r.dial()
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wait.Go(func() {
			for j := range requests {
				if err := c.talk(random, fmt.Sprintf("[client %d request %d]", i, j)); err != nil {
					t.Errorf("client %d, request %d: %v", i, j, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// talk sends one request of a random kind, sometimes cut into pieces, and checks the answer.
func (c *client) talk(random *rand.Rand, name string) error {
	body := bytes.Repeat([]byte(name), 1+random.IntN(1000))
	if random.IntN(4) > 0 {
		body = body[:len(name)]
	}
	var request string
	path := strings.ReplaceAll(strings.Trim(name, "[]"), " ", "-")
	want := body
	switch random.IntN(4) {
	case 0:
		request = put("/echo", body)
	case 1:
		request = putChunked("/echo-chunked", body, 1+random.IntN(5000))
	case 2:
		request, want = get("/inline/"+path), []byte("/inline/"+path)
	default:
		request, want = get("/"+path), []byte("/"+path)
	}
	cut := random.IntN(len(request))
	if random.IntN(2) == 0 {
		cut = 0
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, request[:cut])
		if err == nil {
			runtime.Gosched()
			_, err = io.WriteString(c, request[cut:])
		}
		sent <- err
	}()
	got, err := c.read()
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes %.60q, want %d bytes %.60q", len(got), got, len(want), want)
	}
	return nil
}

// shutdown: what is in flight ends, what is idle closes, nobody new comes in.
func (s *suite) shutdown(t *testing.T) {
	r := start(t, s, nil)
	busy, idle := r.dial(), r.dial()
	idle.send(get("/x"))
	idle.want(200, "/x")
	busy.send(get("/block"))
	<-r.handler.entered
	done := make(chan error, 1)
	go func() { done <- r.server.Shutdown(context.Background()) }()
	idle.wantEnd()
	s.wait(t, "the listener to close", func() bool {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-done:
		t.Fatalf("shutdown did not wait: %v", err)
	default:
	}
	close(r.handler.leave)
	if resp := busy.want(200, "/block"); !resp.Close && !s.traits.NetHTTP {
		t.Error("no Connection: close")
	}
	busy.wantEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// shutdownCut: a request that does not end is cut when the context ends.
func (s *suite) shutdownCut(t *testing.T) {
	r := start(t, s, nil)
	c := r.dial()
	c.send("PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc")
	s.wait(t, "the request", func() bool { return r.handler.calls.Load() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := r.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := <-r.handler.bodyErr; !errors.Is(err, netloop.ErrBodyTruncated) {
		t.Errorf("%v", err)
	}
}

// baseline: when a server has ended, its goroutines and descriptors have too.
func (s *suite) baseline(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	t.Run("inner", func(t *testing.T) {
		r := start(t, s, nil)
		var wait sync.WaitGroup
		for i := range 30 {
			c := r.dial()
			wait.Go(func() {
				for range 5 {
					random := rand.New(rand.NewPCG(1, uint64(i)))
					if err := c.talk(random, fmt.Sprintf("[client %d]", i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		r.dial().send("GET /x HT")
	})
	s.wait(t, "goroutines and files to end", func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
}

// openFiles counts this process's descriptors, where the system tells.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
