package s3api

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/engine/iam"
	"flashstore/engine/object"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
	"flashstore/netloop/nethttp"
	"flashstore/netloop/netlooptest"
)

const (
	testKey    = "test-user"
	testSecret = "correct-horse-battery"
)

// fixture is a server with a store one can look into.
type fixture struct {
	t       *testing.T
	store   *memStore
	log     *lockedBuffer
	seen    *observations
	handler *Handler
	client  *http.Transport
	address string // host:port
}

// newFixture starts a real server; edit may change the configuration.
func newFixture(t *testing.T, edit func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, store: newMemStore(), log: &lockedBuffer{}, seen: &observations{},
		client: &http.Transport{DisableCompression: true}}
	t.Cleanup(f.client.CloseIdleConnections)
	root, err := iam.NewRoot(iam.Credentials{AccessKey: testKey, Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sigv4.New(sigv4.Config{Keys: root})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Store: f.store, Verifier: verifier, Authorizer: root, Recorder: f.seen,
		Log: slog.New(slog.NewTextHandler(f.log, nil))}
	if edit != nil {
		edit(&config)
	}
	if f.handler, err = New(config); err != nil {
		t.Fatal(err)
	}
	f.address = serve(t, f.handler)
	f.store.buckets["bucket"] = &memBucket{time.Now(), object.BucketSettings{}, map[object.Key]*memObject{},
		map[object.UploadID]*memUpload{}}
	return f
}

func serve(t *testing.T, h netloop.Handler) string {
	t.Helper()
	s, err := nethttp.New(nethttp.Config{Limits: netloop.DefaultLimits(),
		Allocator: netlooptest.NewMemory(t)})
	if err != nil {
		t.Fatal(err)
	}
	return netlooptest.Serve(t, s, h)
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// code is the S3 code of an error answer.
func (r reply) code() string {
	var e struct{ Code string }
	if xml.Unmarshal([]byte(r.body), &e) != nil {
		return ""
	}
	return e.Code
}

// do sends a request signed with the hash of its body; target is path and query, header holds
// pairs.
func (f *fixture) do(method, target, body string, header ...string) reply {
	f.t.Helper()
	return f.send(f.signed(method, target, body, header...))
}

func (f *fixture) signed(method, target, body string, header ...string) *http.Request {
	f.t.Helper()
	req := f.request(method, target, body, header...)
	if _, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3", sha256Hex(body),
		time.Now()); err != nil {
		f.t.Fatal(err)
	}
	return req
}

func (f *fixture) request(method, target, body string, header ...string) *http.Request {
	f.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+f.address+target, reader)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if strings.EqualFold(header[i], "host") {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

func (f *fixture) send(req *http.Request) reply {
	f.t.Helper()
	resp, err := f.client.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body), err}
}

// want sends a request and insists on status and code.
func (f *fixture) want(status int, code, method, target, body string, header ...string) reply {
	f.t.Helper()
	r := f.do(method, target, body, header...)
	f.check(r, status, code, method+" "+target)
	return r
}

func (f *fixture) check(r reply, status int, code, what string) {
	f.t.Helper()
	if r.status != status || r.code() != code || r.err != nil {
		f.t.Errorf("%.80s %.60q: got %d %s %v, want %d %s\n%.300s", what, "", r.status, r.code(),
			r.err, status, code, r.body)
	}
}

// nothingStored insists on an empty bucket.
func (f *fixture) nothingStored() {
	f.t.Helper()
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	for key := range f.store.buckets["bucket"].objects {
		f.t.Errorf("%.80q is stored", key)
		delete(f.store.buckets["bucket"].objects, key)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type observations struct {
	mu   sync.Mutex
	list []string
}

func (o *observations) Observe(op, status int, took time.Duration, in, out int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, fmt.Sprintf("%s %d in=%d out=%d", Op(op), status, in, out))
}

func (o *observations) has(line string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.list {
		if l == line {
			return true
		}
	}
	return false
}
