package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
)

// TestSuspend: a head that comes in pieces, each into another buffer, is read as if it had come at
// once; what is kept meanwhile is counted, over all Sessions, and forgotten with the connection.
func TestSuspend(t *testing.T) {
	const head = "GET /a/long/path HTTP/1.1\r\nHost: host\r\nX-Test: value\r\n\r\n"
	shared := &Shared{Limits: netloop.DefaultLimits(), WaitingBytesMax: int64(len(head)) + 9}
	attach := func() *Session {
		s := New(shared, &Counters{}, nil)
		s.Attach(nil, netip.AddrPort{}, false)
		return s
	}
	put := func(s *Session, text string) {
		s.Resume(make([]byte, s.Kept()+len(text)))
		s.Filled(copy(s.Room(), text))
	}
	wantKept := func(bytes int) {
		t.Helper()
		if got := shared.waitingBytes.Load(); got != int64(bytes) {
			t.Errorf("%d bytes are kept, want %d", got, bytes)
		}
	}

	s := attach()
	for i := range head {
		put(s, head[i:i+1])
		ready, err := s.Next(time.Time{})
		if err != nil || ready != (i == len(head)-1) {
			t.Fatalf("after %d bytes: %v, %v", i+1, ready, err)
		}
		if !ready {
			if !s.Suspend() {
				t.Fatalf("%d bytes are too many", i+1)
			}
			if !s.Suspend() {
				t.Fatal("it cannot be said twice")
			}
			wantKept(i + 1)
		}
	}
	value, _ := s.Exchange.Request.Lookup("x-test")
	if string(s.Exchange.Request.Path) != "/a/long/path" || string(value) != "value" {
		t.Errorf("%+v", s.Exchange.Request)
	}
	wantKept(0)
	s.Detach()

	first, second := attach(), attach()
	put(first, head)
	put(second, "0123456789")
	if !first.Suspend() || second.Suspend() {
		t.Error("more is kept than may be")
	}
	if got := string(second.buf[second.start:second.end]); got != "0123456789" {
		t.Errorf("what could not be kept is %q", got)
	}
	wantKept(len(head))
	first.Detach()
	if !second.Suspend() {
		t.Error("there is room, and it is not given")
	}
	wantKept(10)
	second.Detach()
	wantKept(0)
}

// TestDrop: a body that nobody read is dropped to its end, in whatever pieces it comes, and what
// follows it stays; one that is too long or broken is not.
func TestDrop(t *testing.T) {
	limits := netloop.DefaultLimits()
	limits.DrainBytesMax = 100
	const next = "GET /next HTTP/1.1\r\n"
	chunks := strings.Repeat("a\r\n0123456789\r\n", 5) + "0\r\nX-T: t\r\n\r\n"
	for _, c := range []struct {
		fields, body string
		want         Verdict
		malformed    uint64
	}{
		{"Content-Length: 60", strings.Repeat("x", 60), VerdictKeep, 0},
		{"Transfer-Encoding: chunked", "c8\r\n" + strings.Repeat("x", 200), VerdictClose, 0},
		{"Transfer-Encoding: chunked", chunks, VerdictKeep, 0},
		{"Transfer-Encoding: chunked", strings.Repeat("1\r\nx\r\n", 60), VerdictClose, 0},
		{"Transfer-Encoding: chunked", "3\r\nabcd", VerdictClose, 1},
	} {
		for _, piece := range []int{1, 7, 1000} {
			counters := &Counters{}
			s := New(&Shared{Limits: limits}, counters, nil)
			s.Attach(nil, netip.AddrPort{}, false)
			s.Resume(make([]byte, 64<<10))
			s.Filled(copy(s.Room(), "PUT / HTTP/1.1\r\nHost: h\r\n"+c.fields+"\r\n\r\n"))
			if ready, err := s.Next(time.Time{}); !ready {
				t.Fatal(err)
			}
			verdict := s.Drop()
			for rest := c.body + next; verdict == VerdictDrain && len(rest) > 0; {
				n := copy(s.Room(), rest[:min(piece, len(rest))])
				s.Filled(n)
				rest = rest[n:]
				verdict = s.Drop()
			}
			if n := counters.Malformed.Load(); verdict != c.want || n != c.malformed {
				t.Errorf("%s, %.20q by %d: %v, want %v; %d malformed", c.fields, c.body, piece,
					verdict, c.want, n)
			}
			here := string(s.buf[s.start:s.end])
			if verdict == VerdictKeep && !strings.HasPrefix(next, here) {
				t.Errorf("%s by %d: %q is left", c.fields, piece, here)
			}
		}
	}
}

// feed is a Stream of what a client sends, which refuses reads into nothing.
type feed struct {
	Stream
	*strings.Reader
	t *testing.T
}

func (f feed) ReadBefore(p []byte, _ time.Time) (int, error) {
	if len(p) == 0 {
		f.t.Fatal("a read into nothing, which no stream can answer")
	}
	return f.Read(p)
}

// TestBodyBehindAFullBuffer: a body is read wherever in the buffer the head ends that requests before
// it have pushed to the buffer's end.
func TestBodyBehindAFullBuffer(t *testing.T) {
	const head = "PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"
	const first = "GET /"
	const rest = " HTTP/1.1\r\nHost: h\r\n\r\n"
	buf := make([]byte, 8<<10)
	for left := range 70 {
		s := New(&Shared{Limits: netloop.DefaultLimits()}, &Counters{}, nil)
		body := strings.Repeat("b", 100)
		s.Attach(feed{nil, strings.NewReader(body), t}, netip.AddrPort{}, false)
		s.Resume(buf)
		pad := len(buf) - left - len(head) - len(first) - len(rest)
		s.Filled(copy(s.Room(), first+strings.Repeat("x", pad)+rest+head))
		for range 2 {
			if ready, err := s.Next(time.Time{}); !ready || err != nil {
				t.Fatalf("with %d bytes left: %v, %v", left, ready, err)
			}
		}
		var got strings.Builder
		for p := make([]byte, 50); got.Len() < len(body); {
			n, err := s.ReadBody(p)
			if got.Write(p[:n]); err != nil {
				t.Fatalf("with %d bytes left: %v", left, err)
			}
		}
		if r := &s.Exchange.Request; string(r.Path) != "/k" || got.String() != body {
			t.Errorf("with %d bytes left: %s, %q", left, r.Path, got.String())
		}
		s.Detach()
	}
}
