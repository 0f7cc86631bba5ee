package load

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustRun(t *testing.T, c Config) Result {
	t.Helper()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustBeClean(t *testing.T, r Result) {
	t.Helper()
	if text := r.ErrorText(); text != "" {
		t.Error(text)
	}
	if r.Operations == 0 {
		t.Error("no operations")
	}
}

// once asks for n objects, those of c in turn, however long that takes.
func once(c Config, n int) Config {
	c.Once, c.Warmup, c.Duration = true, 0, time.Minute
	for len(c.Objects) < n {
		c.Objects = append(c.Objects, c.Objects...)
	}
	c.Objects = c.Objects[:n]
	return c
}

// TestSignedMethods runs every request in every way to sign it, against a server that checks the
// signature and holds the objects.
func TestSignedMethods(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		for _, way := range []string{"presigned", "fields", "fields, unsigned payload"} {
			for _, size := range []int64{0, 1, 300_000} {
				t.Run(fmt.Sprint(method, " ", way, " ", size), func(t *testing.T) {
					s := newStub(t, true)
					c := once(s.config(method, s.fill(10, size, 1)), 30)
					c.Presigned = way == "presigned"
					c.UnsignedPayload = strings.Contains(way, "unsigned")
					c.HashEvery, c.Threads = 1, 2
					if method == "PUT" {
						s.forget()
					}
					r := mustRun(t, c)
					mustBeClean(t, r)
					s.mustBeRight(t)
					if r.Operations != 30 {
						t.Errorf("%d operations", r.Operations)
					}
					if method == "GET" && r.Hashed != r.Operations {
						t.Errorf("%d of %d hashes checked", r.Hashed, r.Operations)
					}
					if want := r.Operations * uint64(size); method != "HEAD" && r.Bytes != want ||
						method == "HEAD" && r.Bytes != 0 {
						t.Errorf("%d bytes in %d operations", r.Bytes, r.Operations)
					}
					_, connections, all := s.seen()
					if connections != c.Connections || r.Connects != uint64(c.Connections) {
						t.Errorf("%d connections seen, %d said", connections, r.Connects)
					}
					for _, o := range c.Objects {
						if held, ok := all[o.Path]; ok && string(held) != string(o.Body) {
							t.Fatalf("%s: other bytes arrived", o.Path)
						}
					}
				})
			}
		}
	}
}

func TestUnsigned(t *testing.T) {
	s := newStub(t, false)
	mustBeClean(t, mustRun(t, s.config("GET", s.fill(3, 100, 1))))
	s.mustBeRight(t)
}

// TestOnce asks for each object once, on all threads together, in order on one.
func TestOnce(t *testing.T) {
	for _, threads := range []int{1, 3} {
		s := newStub(t, true)
		c := s.config("PUT", s.fill(100, 10, 1))
		c.Once, c.Warmup, c.Threads, c.Duration = true, 0, threads, time.Minute
		s.forget()
		r := mustRun(t, c)
		mustBeClean(t, r)
		requests, _, held := s.seen()
		if r.Operations != 100 || len(requests) != 100 || len(held) != 100 {
			t.Errorf("%d operations, %d requests, %d objects; want 100 of each", r.Operations,
				len(requests), len(held))
		}
		if r.Seconds <= 0 || r.Seconds > 59 {
			t.Errorf("a window of %v s", r.Seconds)
		}
	}
}

// TestAdd: two runs are one of twice the time.
func TestAdd(t *testing.T) {
	s := newStub(t, false)
	c := s.config("GET", s.fill(3, 100, 1))
	c.Connections, c.Warmup, c.Duration = 1, 0, 200*time.Millisecond
	var sum Result
	one, two := mustRun(t, c), mustRun(t, c)
	operations, answered := one.Operations+two.Operations, one.Goodput*one.Seconds+two.Goodput*two.Seconds
	slowest := max(one.Latency.Max, two.Latency.Max)
	two.Errors, two.FirstError = map[string]uint64{"timeout": 2}, "timeout: GET /x"
	sum.Add(&one)
	sum.Add(&two)
	if sum.Operations != operations || sum.Bytes != 100*operations || sum.Seconds != 0.4 ||
		sum.PerSecond != float64(operations)/0.4 || sum.Goodput != answered/0.4 {
		t.Errorf("%+v", sum)
	}
	if uint64(sum.Histogram.TotalCount()) != operations || sum.Latency.Max != slowest {
		t.Errorf("%d latencies of %d operations, at most %v of %v", sum.Histogram.TotalCount(),
			operations, sum.Latency.Max, slowest)
	}
	if sum.Failed() != 2 || sum.ErrorText() != "2 × timeout; first: timeout: GET /x" {
		t.Errorf("errors: %s", sum.ErrorText())
	}
}

// TestWindow: what ends in the warm-up is asked and not counted.
func TestWindow(t *testing.T) {
	s := newStub(t, false)
	c := s.config("GET", s.fill(3, 100, 1))
	c.Connections, c.Warmup, c.Duration = 1, 200*time.Millisecond, time.Second
	var edges []int
	c.Edge = func(begins bool) {
		requests, _, _ := s.seen()
		edges = append(edges, len(requests))
	}
	r := mustRun(t, c)
	mustBeClean(t, r)
	if len(edges) != 2 || edges[0] < 2 || edges[1] <= edges[0] {
		t.Fatalf("requests at the edges: %v", edges)
	}
	// An edge is seen up to a request later than it is.
	if got, want := int(r.Operations), edges[1]-edges[0]; got < want*9/10-2 || got > want*11/10+2 {
		t.Errorf("%d operations, %d requests in the window", got, want)
	}
	if r.Seconds != 0.8 || r.Histogram.TotalCount() != int64(r.Operations) {
		t.Errorf("window of %v s, %d latencies", r.Seconds, r.Histogram.TotalCount())
	}
}

// TestSeed: the same seed asks in the same order, another in another.
func TestSeed(t *testing.T) {
	order := func(seed uint64, thread int) (objects []int) {
		c := Config{Method: "GET", Seed: seed, HashEvery: 3, Threads: 2}
		p := newPlan(&c, make([]template, 1000), thread)
		for i := range 20 {
			object, hashed := p.next()
			if hashed != (i%3 == 2) {
				t.Errorf("request %d: hashed %v", i, hashed)
			}
			objects = append(objects, object)
		}
		return objects
	}
	if a, b := order(5, 0), order(5, 0); !slices.Equal(a, b) {
		t.Errorf("%v\n%v", a, b)
	}
	for _, other := range [][]int{order(6, 0), order(5, 1)} {
		if a := order(5, 0); slices.Equal(a, other) {
			t.Errorf("another seed or thread, the same order: %v", a)
		}
	}
}

func TestFaultsAreCounted(t *testing.T) {
	every := func(n int, f func(w http.ResponseWriter, r *http.Request)) func(
		int, http.ResponseWriter, *http.Request) bool {
		return func(i int, w http.ResponseWriter, r *http.Request) bool {
			if i%n != 0 {
				return false
			}
			f(w, r)
			return true
		}
	}
	for kind, before := range map[string]func(w http.ResponseWriter, r *http.Request){
		"status 503": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "<Code>SlowDown</Code>", http.StatusServiceUnavailable)
		},
		KindLength: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "short") },
		KindHash: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", 1000))
		},
		KindClosed: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		KindFraming: func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush() // without a length: chunked
			fmt.Fprint(w, strings.Repeat("x", 1000))
		},
	} {
		t.Run(kind, func(t *testing.T) {
			s := newStub(t, false)
			s.set(every(10, before))
			c := once(s.config("GET", s.fill(5, 1000, 1)), 100)
			c.HashEvery = 1
			r := mustRun(t, c)
			if r.Errors[kind] == 0 || r.Failed() != r.Errors[kind] {
				t.Fatalf("errors %v", r.Errors)
			}
			requests, _, _ := s.seen()
			if want := uint64(len(requests) / 10); r.Failed() != want || len(requests) != 100 {
				t.Errorf("%d errors, %d wrong answers of %d", r.Failed(), want, len(requests))
			}
			again := r.Connects - uint64(c.Connections)
			if r.Operations != 90 || (kind == "status 503") != (again == 0) ||
				again > 0 && again < r.Failed()/2 {
				t.Errorf("%d operations, %d connects: it did not go on", r.Operations, r.Connects)
			}
			if kind == "status 503" && !strings.Contains(r.ErrorText(), "SlowDown") {
				t.Error(r.ErrorText())
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	s := newStub(t, false)
	held := make(chan struct{})
	s.set(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 3 {
			s.mu.Unlock() // the others are served meanwhile
			<-held
			s.mu.Lock()
		}
		return false
	})
	c := once(s.config("GET", s.fill(5, 1000, 1)), 50)
	c.Timeout = time.Second
	r := mustRun(t, c)
	close(held)
	if r.Errors[KindTimeout] != 1 || r.Failed() != 1 || r.Operations != 49 {
		t.Errorf("errors %v, %d operations", r.Errors, r.Operations)
	}
}

// TestNoServer: nothing is measured where there is nothing.
func TestNoServer(t *testing.T) {
	address := raw(t, []string{"close"})
	s := newStub(t, false)
	c := s.config("GET", s.fill(1, 1, 1))
	c.Address = address
	r := mustRun(t, c)
	if r.Operations != 0 || r.Errors[KindClosed] == 0 {
		t.Errorf("%d operations, errors %v", r.Operations, r.Errors)
	}
	c.Address = "127.0.0.1:1"
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
}

func TestCancel(t *testing.T) {
	s := newStub(t, false)
	c := s.config("GET", s.fill(1, 1, 1))
	c.Duration = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	s.set(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 20 {
			cancel(cause)
		}
		return false
	})
	if _, err := Run(ctx, c); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

func TestValidate(t *testing.T) {
	good := Config{Address: "127.0.0.1:1", Method: "GET", Objects: []Object{{Path: "/x"}},
		Connections: 2, Duration: time.Second}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"address":     func(c *Config) { c.Address = "" },
		"method":      func(c *Config) { c.Method = "POST" },
		"no objects":  func(c *Config) { c.Objects = nil },
		"connections": func(c *Config) { c.Threads = 3 },
		"rate":        func(c *Config) { c.Rate = -1 },
		"warm-up":     func(c *Config) { c.Warmup = time.Second },
		"once":        func(c *Config) { c.Once, c.Rate = true, 1 },
		"negative":    func(c *Config) { c.HashEvery = -1 },
		"body":        func(c *Config) { c.Method, c.Objects = "PUT", []Object{{Path: "/", Bytes: 1}} },
	} {
		c := good
		spoil(&c)
		if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Address = "localhost:80"
	if _, err := Run(t.Context(), good); !errors.Is(err, ErrConfig) {
		t.Errorf("a name as address: %v", err)
	}
}

func TestResultJSON(t *testing.T) {
	s := newStub(t, false)
	r := mustRun(t, s.config("GET", s.fill(2, 10, 1)))
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Operations != r.Operations || back.Latency != r.Latency || r.Latency.P50 <= 0 ||
		r.Latency.P50 > r.Latency.P999 || r.Latency.P999 > r.Latency.Max {
		t.Errorf("%s", text)
	}
}

func sumOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
