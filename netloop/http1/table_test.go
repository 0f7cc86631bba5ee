package http1_test

import (
	"errors"
	"strings"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/http1"
	"flashstore/netloop/netlooptest"
)

// body is what Chunked makes of a stream; see reader.
type body struct {
	data   string
	used   int
	whole  bool
	status int
}

func bodyOf(in string, l *netloop.Limits, arrive arrival) body {
	r := reader{limits: parserLimits(l), arrive: arrive, stream: []byte(in)}
	data, whole, err := r.chunkedBody()
	return body{data, r.used, whole, min(status(err), 400)}
}

func TestMalformed(t *testing.T) {
	for _, m := range netlooptest.MalformedMessages() {
		t.Run(m.Title(), func(t *testing.T) {
			in := []byte(m.Bytes)
			if m.Body {
				malformedBody(t, in)
				return
			}
			p := http1.NewParser(limits())
			n, err := p.Parse(in)
			var refusal *http1.Refusal
			if n != 0 || !errors.As(err, &refusal) || refusal.Status != m.Status {
				t.Fatalf("%d, %v, want %d", n, err, m.Status)
			}
			if _, again := p.Parse([]byte(m.Bytes + "\r\n\r\n")); again != err {
				t.Errorf("refused once, then %v", again)
			}
		})
	}
}

func malformedBody(t *testing.T, in []byte) {
	t.Helper()
	n, err := http1.NewParser(limits()).Parse(in)
	if err != nil || n == 0 {
		t.Fatalf("the head: %d, %v", n, err)
	}
	l := netloop.DefaultLimits()
	if b := bodyOf(string(in[n:]), &l, atOnce); b.whole || b.status != 400 {
		t.Errorf("%+v, want a refusal", b)
	}
}

func TestWellFormed(t *testing.T) {
	for _, c := range []struct {
		in             string
		method, target string
		host           string
		length         int64
		keep, cont     bool
	}{
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/", "h", 0, true, false},
		{"GET /a?b=c%20 HTTP/1.1\r\nhOsT:h:9000\r\n\r\n", "GET", "/a?b=c%20", "h:9000", 0,
			true, false},
		{"PUT /a//../%2F HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: \t010 \r\n\r\n", "PUT",
			"/a//../%2F", "[::1]:80", 10, true, false},
		{"PUT / HTTP/1.1\r\nTransfer-Encoding: ChunKed\r\nHost:h\r\nExpect: 100-Continue\r\n\r\n",
			"PUT", "/", "h", -1, true, true},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: a , CLOSE\r\n\r\n", "GET", "/", "h", 0,
			false, false},
		{"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", 0, false, false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n", "GET",
			"/", "", 0, true, false},
		{"GET http://H:80/x HTTP/1.1\r\nHost: h:80\r\n\r\n", "GET", "/x", "H:80", 0, true, false},
		{"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "", "h", 0, true, false},
		{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS", "*", "h", 0, true, false},
		{"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n", "PUT", "/",
			"h",
			9223372036854775807, true, false},
		{"PUT / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
			"PUT", "/", "h", 3, true, false},
	} {
		p := http1.NewParser(limits())
		in := []byte(c.in + "GARBAGE")
		n, err := p.Parse(in)
		if err != nil || n != len(c.in) {
			t.Errorf("%q: %d, %v", c.in, n, err)
			continue
		}
		h := p.Head()
		if string(h.Method.Of(in)) != c.method || string(h.Target.Of(in)) != c.target ||
			string(h.Host.Of(in)) != c.host || h.ContentLength != c.length ||
			h.KeepAlive != c.keep || h.Continue != c.cont {
			t.Errorf("%q: %+v", c.in, h)
		}
	}
}

func TestFields(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\nHost: h\r\nEmpty: \t \r\n" +
		"X-Tab: \ta\tb \r\nutf:\xc3\xa9\r\n\r\n")
	p := http1.NewParser(limits())
	if _, err := p.Parse(in); err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"Host", "h"}, {"Empty", ""}, {"X-Tab", "a\tb"}, {"utf", "\xc3\xa9"}}
	got := p.AppendFields(nil, in)
	if len(got) != len(want) {
		t.Fatalf("%d fields", len(got))
	}
	for i, f := range got {
		if string(f.Name) != want[i][0] || string(f.Value) != want[i][1] {
			t.Errorf("%q: %q", f.Name, f.Value)
		}
	}
}

func TestChunked(t *testing.T) {
	for in, want := range map[string]string{
		"0\r\n\r\n":               "",
		"5\r\nhello\r\n0\r\n\r\n": "hello",
		"A;a=\"b\"\r\n0123456789\r\n00\r\nT: v\r\n\r\n": "0123456789",
		"0000000000000001\r\nx\r\n0\r\n\r\n":            "x",
	} {
		l := netloop.DefaultLimits()
		if got := bodyOf(in+"NEXT", &l, atOnce); got != (body{want, len(in), true, 0}) {
			t.Errorf("%q: %+v", in, got)
		}
		for cut := range len(in) {
			if got := bodyOf(in[:cut], &l, atOnce); got.whole || got.status != 0 {
				t.Errorf("%q: %+v", in[:cut], got)
			}
		}
	}
}

// TestTook: nothing taken changes nothing, and more than there is panics.
func TestTook(t *testing.T) {
	var c http1.Chunked
	c.Reset(100)
	c.Took(0)
	if n, err := c.Framing([]byte("2\r\nab")); n != 3 || err != nil || c.Left() != 2 {
		t.Fatalf("%d, %v, %d left", n, err, c.Left())
	}
	c.Took(0)
	c.Took(2)
	c.Took(0)
	if n, err := c.Framing([]byte("\r\n0\r\n\r\n")); n != 7 || err != nil || !c.Done() {
		t.Fatalf("%d, %v, done %v", n, err, c.Done())
	}
	c.Took(0)
	defer func() {
		if recover() == nil || !c.Done() {
			t.Error("a byte behind the end was taken")
		}
	}()
	c.Took(1)
}

func TestResponseFields(t *testing.T) {
	for _, value := range []string{"a\r\nB: c", "a\n", "a\x00", "a\r"} {
		if out, ok := http1.AppendField(nil, []byte("A"), []byte(value)); ok || len(out) > 0 {
			t.Errorf("%q was let out", value)
		}
	}
	out := http1.AppendStatusLine(nil, 404)
	out, ok := http1.AppendField(out, []byte("A"), []byte("b c"))
	out = http1.AppendContentLength(out, 12)
	want := "HTTP/1.1 404 Not Found\r\nA: b c\r\nContent-Length: 12\r\n"
	if !ok || string(out) != want {
		t.Errorf("%q", out)
	}
}

// TestStatusLine: every status has a phrase, also one that nobody thought of.
func TestStatusLine(t *testing.T) {
	for status, want := range map[int]string{200: "200 OK", 507: "507 Insufficient Storage",
		599: "599 Other"} {
		if got := string(http1.AppendStatusLine(nil, status)); got != "HTTP/1.1 "+want+"\r\n" {
			t.Errorf("%d: %q", status, got)
		}
	}
}

func TestAllocationFree(t *testing.T) {
	full := "GET / HTTP/1.1\r\nHost: [2001:db8::1]:9000\r\n" +
		strings.Repeat("A: b\r\n", limits().Fields-1) + "\r\n"
	chunked := []byte("5;a=b\r\nhello\r\n0\r\nX-Checksum: AAAAAA==\r\n\r\n")
	for _, head := range []string{presignedGET, signedPUT, full, strings.Replace(full, ":", " ", 2)} {
		p := http1.NewParser(limits())
		in := []byte(head)
		fields := make([]http1.Field, 0, limits().Fields)
		var c http1.Chunked
		if n := testing.AllocsPerRun(100, func() {
			p.Reset()
			for n := range in { // byte by byte: up to the last one
				_, _ = p.Parse(in[:n])
			}
			if _, err := p.Parse(in); err == nil {
				fields = p.AppendFields(fields[:0], in)
			}
			c.Reset(100)
			for used := 0; !c.Done() && used < len(chunked); {
				n, err := c.Framing(chunked[used:])
				if err != nil {
					t.Fatal(err)
				}
				left := int(c.Left())
				c.Took(left)
				used += n + left
			}
		}); n != 0 {
			t.Errorf("%.40q: %v allocations", head, n)
		}
	}
}
