package load

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"flashstore/bench/content"
	"flashstore/bench/sign"
)

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	region    = "us-east-1"
)

// stub is a real HTTP server that holds objects, checks signatures with the SDK's own signer, and
// counts what it was asked. Everything is under its lock: the race detector does not see that a raw
// write comes before the read of its bytes.
type stub struct {
	address string
	signed  bool

	mu      sync.Mutex
	objects map[string][]byte
	// before, where set, is called before an answer; true: it has answered.
	before   func(n int, w http.ResponseWriter, r *http.Request) bool
	requests []string       // "GET /bucket/key", in the order of arrival
	wrong    []string       // complaints
	remotes  map[string]int // requests by connection
}

func newStub(t *testing.T, signed bool) *stub {
	t.Helper()
	s := &stub{objects: map[string][]byte{}, signed: signed, remotes: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = server.Listener.Addr().String()
	return s
}

// fill adds n objects and returns them as a load asks for them.
func (s *stub) fill(n int, size int64, seed uint64) (objects []Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		body := make([]byte, size)
		content.Fill(body, seed, i)
		path := "/bucket/a key/" + content.Key(i)
		s.objects[path] = body
		objects = append(objects, Object{Path: path, Bytes: size, Body: body, Sum: sha256.Sum256(body)})
	}
	return objects
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.remotes[r.RemoteAddr]++
	if err != nil {
		s.wrong = append(s.wrong, err.Error())
		return
	}
	if s.before != nil && s.before(len(s.requests), w, r) {
		return
	}
	if err := s.verify(r, body); err != nil {
		s.wrong = append(s.wrong, err.Error())
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	held, ok := s.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		s.objects[r.URL.Path] = body
		w.Header().Set("ETag", `"x"`)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(held)))
		w.Write(held) // dropped for HEAD
	}
}

// verify signs the request again, as the SDK does it.
func (s *stub) verify(r *http.Request, body []byte) error {
	query := r.URL.Query()
	got, payload := query.Get("X-Amz-Signature"), sign.Unsigned
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		_, got, _ = strings.Cut(authorization, "Signature=")
		payload = r.Header.Get("X-Amz-Content-Sha256")
		if payload != sign.Unsigned && payload != sign.Hash(body) {
			return fmt.Errorf("%s %s: the hash is not the body's", r.Method, r.URL.Path)
		}
	}
	if !s.signed {
		if got != "" {
			return fmt.Errorf("signed by %s", got)
		}
		return nil
	}
	date := query.Get("X-Amz-Date") + r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil || time.Since(at) > time.Minute {
		return fmt.Errorf("date %q: %v", date, err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.EscapedPath(), nil)
	if err != nil {
		return err
	}
	keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	signer := awsv4.NewSigner(func(o *awsv4.SignerOptions) { o.DisableURIPathEscaping = true })
	want := ""
	if query.Get("X-Amz-Signature") != "" {
		again.URL.RawQuery = "X-Amz-Expires=" + query.Get("X-Amz-Expires")
		text, _, err := signer.PresignHTTP(r.Context(), keys, again, payload, "s3", region, at)
		if err != nil {
			return err
		}
		_, want, _ = strings.Cut(text, "X-Amz-Signature=")
	} else {
		again.Header.Set("X-Amz-Content-Sha256", payload)
		if err := signer.SignHTTP(r.Context(), keys, again, payload, "s3", region, at); err != nil {
			return err
		}
		_, want, _ = strings.Cut(again.Header.Get("Authorization"), "Signature=")
	}
	if got != want || want == "" {
		return fmt.Errorf("%s %s: signature %q, want %q", r.Method, r.URL, got, want)
	}
	return nil
}

// set makes before the server's; it is called with the lock held.
func (s *stub) set(before func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

// forget drops all objects.
func (s *stub) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.objects)
}

// seen is what was asked so far, of how many connections, and what is held.
func (s *stub) seen() (requests []string, connections int, held map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests), len(s.remotes), maps.Clone(s.objects)
}

// mustBeRight reports what the stub complained of.
func (s *stub) mustBeRight(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wrong) > 0 {
		t.Errorf("%d complaints of the server, first: %s", len(s.wrong), s.wrong[0])
	}
}

func (s *stub) config(method string, objects []Object) Config {
	c := Config{Address: s.address, Method: method, Objects: objects, Connections: 4,
		Duration: 300 * time.Millisecond, Warmup: 50 * time.Millisecond, Seed: 7}
	if s.signed {
		c.Signer = sign.New(accessKey, secretKey, region)
	}
	return c
}

// raw is a server that answers each request on a connection with the next of answers, in pieces.
func raw(t *testing.T, answers ...[]string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serveRaw(c, answers) })
		}
	})
	return listener.Addr().String()
}

func serveRaw(c net.Conn, answers [][]string) {
	defer c.Close()
	var request []byte
	for i := 0; ; {
		if end := bytes.Index(request, []byte("\r\n\r\n")); end >= 0 {
			request = request[end+4:]
			for _, piece := range answers[i%len(answers)] {
				if piece == "close" {
					return
				}
				if _, err := io.WriteString(c, piece); err != nil {
					return
				}
				time.Sleep(time.Millisecond) // so that the pieces are not sent as one
			}
			i++
			continue
		}
		more := make([]byte, 4096)
		n, err := c.Read(more)
		if err != nil {
			return
		}
		request = append(request, more[:n]...)
	}
}
