// Command stub is the smallest server that the harness can drive: files on the first drive, no
// signatures, no durability. STUB_FAULT makes it misbehave, so that tests can see the harness notice.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type stub struct {
	root    string
	fault   string
	axes    map[string]string
	count   atomic.Uint64
	syncs   atomic.Uint64
	asked   atomic.Uint64 // status requests
	unready atomic.Uint64 // answers that it is not ready
	objects atomic.Uint64 // requests for objects
	failed  atomic.Uint64 // answers of 5xx
	lies    sync.Map      // file → bytes that were acknowledged and are nowhere else
}

func main() {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	address := flags.String("address", "", "")
	drives := flags.String("drives", "", "")
	flags.String("parity", "", "")
	s := &stub{fault: os.Getenv("STUB_FAULT"), axes: map[string]string{}}
	for _, axis := range []string{"netloop", "allocator", "ioengine", "simd", "durability"} {
		flags.Func(axis, "", func(v string) error { s.axes[axis] = v; return nil })
	}
	flags.Parse(os.Args[2:])
	s.root = strings.Split(*drives, "{")[0]
	if s.root != *drives {
		s.root += "1"
	}
	if s.fault == "dies" {
		fmt.Fprintln(os.Stderr, "stub: cannot open the drives")
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: *address, Handler: s}
	go server.ListenAndServe()
	<-ctx.Done()
	if s.fault == "stubborn" {
		os.Exit(7)
	}
	server.Shutdown(context.Background())
}

// burn wastes a fifth of a core, whether anybody asks or not.
func burn() {
	for ; ; time.Sleep(8 * time.Millisecond) {
		for start := time.Now(); time.Since(start) < 2*time.Millisecond; {
		}
	}
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.count.Add(1)
	if r.URL.Path == "/flashstore/health/ready" {
		if s.fault == "never-ready" {
			if s.unready.Add(1) == 2 { // who asks has the first answer
				fmt.Fprintln(os.Stderr, "stub: asked again")
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	if r.URL.Path == "/flashstore/v1/status" {
		s.status(w, r)
		return
	}
	bucket, key, isObject := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	folder := filepath.Join(s.root, url.PathEscape(bucket))
	if !isObject || key == "" {
		s.bucket(w, r, folder)
		return
	}
	nth := s.objects.Add(1)
	if bucket == "flashbench" { // that of the load: whatever else is asked need not wait
		time.Sleep(s.delay())
	}
	s.object(w, r, filepath.Join(folder, url.PathEscape(key)), nth)
}

// delay makes a server slow in a way that does not depend on the machine.
func (s *stub) delay() time.Duration {
	if s.fault == "epoll-wins" && s.axes["netloop"] != "epoll" {
		return 60 * time.Millisecond
	}
	delay, _ := time.ParseDuration(os.Getenv("STUB_DELAY"))
	return delay
}

func (s *stub) status(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	axes := map[string]any{}
	earlier := s.asked.Add(1) - 1
	if s.fault == "restless" && earlier == 0 { // not in a preload, after which it is to come to rest
		go burn()
	}
	for name, value := range s.axes {
		active, count := value, s.count.Load()
		if s.fault == "falls-back" || s.fault == "falls-back-later" && earlier > 0 {
			active = "other"
		}
		if s.fault == "unproven" {
			count = 0
		}
		proof := map[string]any{"name": name + "_proof", "count": count}
		axes[name] = map[string]any{"requested": value, "active": active, "proof": proof}
	}
	cost := map[string]any{"requests": s.count.Load(), "synced_writes": s.syncs.Load(), "copied_bytes": 0}
	switch s.fault {
	case "no-cost":
		cost = nil
	case "counts-less":
		delete(cost, "copied_bytes")
	}
	json.NewEncoder(w).Encode(map[string]any{"axes": axes, "server_errors": s.failed.Load(),
		"cost": cost})
}

func (s *stub) bucket(w http.ResponseWriter, r *http.Request, folder string) {
	switch {
	case r.Method == http.MethodPut:
		os.MkdirAll(folder, 0o700)
	case r.URL.Query().Has("location"):
		io.WriteString(w, `<LocationConstraint></LocationConstraint>`)
	case r.Method == http.MethodHead:
		if _, err := os.Stat(folder); err != nil {
			w.WriteHeader(http.StatusNotFound)
		}
	case r.Method == http.MethodGet:
		s.list(w, r, folder)
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (s *stub) list(w http.ResponseWriter, r *http.Request, folder string) {
	entries, _ := os.ReadDir(folder)
	var keys []string
	for _, entry := range entries {
		key, _ := url.PathUnescape(entry.Name())
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if s.fault == "forgets" && len(keys) > 0 {
		keys = keys[1:]
	}
	io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated>`)
	for _, key := range keys {
		info, err := os.Stat(filepath.Join(folder, url.PathEscape(key)))
		if err == nil {
			fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>%d</Size><ETag>"x"</ETag>`+
				`<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`, key, info.Size())
		}
	}
	io.WriteString(w, `</ListBucketResult>`)
}

func (s *stub) object(w http.ResponseWriter, r *http.Request, file string, nth uint64) {
	switch r.Method {
	case http.MethodPut:
		body, err := decode(r)
		if err == nil {
			err = s.write(file, body)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		w.Header().Set("ETag", `"x"`)
		if err == nil && s.fault == "syncs-later" {
			s.answerFirst(w, file)
		}
	case http.MethodGet, http.MethodHead:
		s.read(w, r, file, nth)
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// answerFirst syncs as much as a server that syncs, once the client has been told that it is done.
func (s *stub) answerFirst(w http.ResponseWriter, file string) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for _, path := range []string{file, filepath.Dir(file)} {
		if f, err := os.Open(path); err == nil {
			s.syncs.Add(1)
			f.Sync()
			f.Close()
		}
	}
}

// write keeps a body as the fault wants: synced, left to the kernel, or in memory alone.
func (s *stub) write(file string, body []byte) error {
	if s.fault == "refuses" && strings.Contains(file, "/flashbench/") {
		return errors.New("refused")
	}
	if s.fault == "lies" && strings.Contains(file, "/flashbench/") {
		s.lies.Store(file, body)
		return nil
	}
	f, err := os.CreateTemp(s.root, ".tmp-")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(body); err != nil {
		return err
	}
	if s.fault == "counts-syncs" { // and does not wait for a disk
		s.syncs.Add(2)
	}
	if s.fault != "syncs" {
		return os.Rename(f.Name(), file)
	}
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer folder.Close()
	s.syncs.Add(2)
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	return folder.Sync() // its name is to survive too
}

// beforeLoad is more objects than a leg asks for before its load: 16 to verify, and 20 of the load.
const beforeLoad = 60

// fails says whether the nth request for an object, a read, is one that fails under load.
func (s *stub) fails(nth uint64) bool {
	return s.fault == "fails-load" && nth > beforeLoad && nth%20 == 0
}

func (s *stub) read(w http.ResponseWriter, r *http.Request, file string, nth uint64) {
	if s.fails(nth) {
		s.failed.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body, err := s.open(file)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	defer body.Close()
	if r.Header.Get("Range") != "" && s.fault == "ignores-range" {
		r.Header.Del("Range")
	}
	w.Header().Set("ETag", `"x"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Unix(1700000000, 0), body)
}

// kept is a body that is no file.
type kept struct{ *bytes.Reader }

func (kept) Close() error { return nil }

// open returns a body: a file that the kernel sends, or what the fault makes of it.
func (s *stub) open(file string) (io.ReadSeekCloser, error) {
	if lie, ok := s.lies.Load(file); ok {
		return kept{bytes.NewReader(lie.([]byte))}, nil
	}
	if s.fault != "flips" {
		return os.Open(file)
	}
	body, err := os.ReadFile(file)
	if len(body) > 100 {
		body[len(body)/2] ^= 1
	}
	return kept{bytes.NewReader(body)}, err
}

// decode returns the body without the framing of streaming signatures.
func decode(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body := make([]byte, max(r.ContentLength, 0)) // which every client here sends
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	decoded, _ := strconv.Atoi(r.Header.Get("X-Amz-Decoded-Content-Length"))
	out := make([]byte, 0, max(decoded, 0))
	body := bufio.NewReader(r.Body)
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseInt(digits, 16, 32)
		if err != nil || size == 0 {
			_, err = io.Copy(io.Discard, body)
			return out, err
		}
		at := len(out)
		out = append(out, make([]byte, size)...)
		if _, err := io.ReadFull(body, out[at:]); err != nil {
			return nil, err
		}
		if _, err := body.Discard(len("\r\n")); err != nil {
			return nil, err
		}
	}
}
