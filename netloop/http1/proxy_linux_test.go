package http1_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/netloop"
	"flashstore/netloop/netconn"
	"flashstore/netloop/netlooptest"
	"flashstore/netloop/readiness"
)

// clientField is in what nginx forwards, and in the answer: who nginx's client is.
const clientField = "X-Client"

// ledger notes what an upstream saw, by nginx's client.
type ledger struct {
	mu   sync.Mutex
	seen map[string][]seen
}

func newLedger() *ledger { return &ledger{seen: map[string][]seen{}} }

func (l *ledger) add(port string, s seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[port] = append(l.seen[port], s)
}

func (l *ledger) take(port string) []seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer delete(l.seen, port)
	return l.seen[port]
}

// Handle makes a ledger the Handler of our servers.
func (l *ledger) Handle(ex *netloop.Exchange) {
	ex.SetContentLength(0)
	body, err := io.ReadAll(struct{ io.Reader }{ex})
	if err != nil {
		ex.SetStatus(400)
		ex.CloseAfter()
		return
	}
	port, _ := ex.Request.Lookup(strings.ToLower(clientField))
	l.add(string(port), seen{string(ex.Request.Method), string(ex.Request.Target), string(body)})
	ex.AddField([]byte(clientField), port)
}

// ServeHTTP makes it the handler of net/http's.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	port := r.Header.Get(clientField)
	l.add(port, seen{r.Method, r.RequestURI, string(body)})
	w.Header().Set(clientField, port)
	w.Header().Set("Content-Length", "0")
}

// recorderDoor has net/http's server behind it: what comes out is what nginx sees.
func recorderDoor(t *testing.T) *door {
	t.Helper()
	l := newLedger()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	return &door{Name: "recorder", Upstream: server.Listener.Addr().String(), Buffering: "on",
		ledger: l}
}

// ourDoor has one of our servers behind it.
func ourDoor(t *testing.T, name, buffering string, server netloop.Server) *door {
	t.Helper()
	l := newLedger()
	return &door{Name: name, Upstream: netlooptest.Serve(t, server, l), Buffering: buffering, ledger: l}
}

// TestBehindNginx: nginx sees the same requests in a stream as we do, or we refuse; and what it
// forwards to our servers, on connections that its clients share, they read as the same requests.
func TestBehindNginx(t *testing.T) {
	memory := netlooptest.NewMemory(t)
	l := netloop.DefaultLimits()
	conn, err := netconn.New(netconn.Config{Limits: l, Allocator: memory})
	if err != nil {
		t.Fatal(err)
	}
	recorder := recorderDoor(t)
	loop, err := readiness.New(readiness.Config{Limits: l, Allocator: memory, Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	doors := []*door{recorder, ourDoor(t, "netconn", "off", conn), ourDoor(t, "epoll", "on", loop)}
	startNginx(t, doors)

	streams := differentialStreams(seed(t), 2000)
	var count tally
	var mu sync.Mutex
	var next atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := next.Add(1); int(i) <= len(streams) && !t.Failed(); i = next.Add(1) {
				stream := streams[i-1]
				ours := read(stream, &l, atOnce)
				theirs, refused, err := recorder.ask(int(i), stream)
				if err == nil {
					err = compare(&ours, theirs, func(before, m *netlooptest.Message) bool {
						return nginxRefuses(stream, before, m)
					})
				}
				for _, d := range doors[1:] {
					got, refusedToo, errAsk := d.ask(int(i), stream)
					if len(got)+refusedToo != len(theirs)+refused || !within(got, theirs) {
						errAsk = fmt.Errorf("%s, behind nginx, sees %v, refuses %d, the other %d",
							d.Name, got, refusedToo, refused)
					}
					err = errors.Join(err, errAsk)
				}
				if err != nil {
					t.Errorf("%q:\n%v\nours   %+v\ntheirs %v", stream, err, ours, theirs)
				}
				mu.Lock()
				count.add(&ours, theirs)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	count.check(t)
}

// within reports whether some is all, in order, without some of them.
func within(some, all []seen) bool {
	for _, s := range all {
		if len(some) > 0 && some[0] == s {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// ask sends a stream through d and returns what came out behind it, and how many answers
// were refusals, nginx's own among them. An answer to somebody else is an error.
func (d *door) ask(client int, stream string) (seen []seen, refused int, err error) {
	c, err := net.Dial("unix", d.Listen)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, 0, err
	}
	_, _ = fmt.Fprintf(c, "PROXY TCP4 127.0.0.1 127.0.0.1 %d 80\r\n%s", client, stream)
	_ = c.(*net.UnixConn).CloseWrite() // nginx may have closed already, or reset
	answers, err := io.ReadAll(c)
	seen = d.ledger.take(strconv.Itoa(client))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return seen, 0, fmt.Errorf("%s: %w after %q", d.Name, err, answers)
	}
	mine := 0
	for line := range bytes.Lines(answers) {
		status, _ := strings.CutPrefix(string(line), "HTTP/1.1 ")
		if len(status) < len(line) && (status[0] == '4' || strings.HasPrefix(status, "501 ")) {
			refused++
		}
		value, ok := strings.CutPrefix(string(line), clientField+": ")
		if !ok {
			continue
		}
		if mine++; strings.TrimSpace(value) != strconv.Itoa(client) {
			return seen, 0, fmt.Errorf("%s: an answer for %s came to %d", d.Name, value, client)
		}
	}
	if mine < len(seen) {
		// nginx took the last one for HTTP/0.9: its answer has no head, and says nothing of who
		// refused what. The connection has ended with it.
		seen = seen[:mine]
	}
	if mine > len(seen) {
		return seen, 0, fmt.Errorf("%s: %d answers to %d requests: %q", d.Name, mine, len(seen),
			answers)
	}
	return seen, refused, nil
}

// nginxRefuses is true for what nginx does not like and the RFCs allow, without a doubt about
// where the request ends: methods it does not know the letters of, targets that are no path or
// leave the root, hosts with empty labels, two expectations, and tabs around a value, which it
// takes for a part of it.
func nginxRefuses(stream string, before, m *netlooptest.Message) bool {
	expectations := 0
	for _, f := range m.Fields {
		if strings.EqualFold(f[0], "Expect") {
			expectations++
		}
	}
	return mayClose(before) || strings.Contains(stream, "\t") || expectations > 1 ||
		m.Host != "" && strings.Trim(m.Host, ".:0123456789") == "" ||
		strings.Contains(m.Host, "..") || m.Method == "TRACE" ||
		strings.Trim(m.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "" || leavesRoot(m.Target)
}

// leavesRoot is true for a target that is no path, cannot be unescaped or climbs above "/".
func leavesRoot(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	path, err := url.PathUnescape(path)
	if err != nil || path == "*" || strings.Contains(path, "\x00") {
		return true
	}
	depth := 0
	for _, segment := range strings.Split(path[1:], "/") {
		switch segment {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}
