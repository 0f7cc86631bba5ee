package http1_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// fuzzBytesMax keeps byte by byte, which is quadratic here, from taking all the time.
const fuzzBytesMax = 8 << 10

// FuzzParse: a stream of requests means what the reference says, whatever pieces it comes in, and
// net/http reads the same first message or we refuse it.
func FuzzParse(f *testing.F) {
	for _, m := range netlooptest.MalformedMessages() {
		if len(m.Bytes) < 1<<10 {
			f.Add(m.Bytes, uint64(0))
		}
	}
	streams := netlooptest.NewStreams(1)
	for i := range uint64(200) {
		f.Add(streams.At(i), i)
	}
	f.Fuzz(func(t *testing.T, in string, seed uint64) {
		if len(in) > fuzzBytesMax {
			return
		}
		l := netloop.DefaultLimits()
		got := sameAsReference(t, in, &l, seed)
		sameAsReference(t, in, tight(), seed)
		if len(got.Messages) > 0 {
			sameAsNetHTTP(t, in, &got.Messages[0])
		}
	})
}

func sameAsNetHTTP(t *testing.T, in string, m *netlooptest.Message) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(in)))
	if err != nil {
		// It reads targets as URLs, and Hosts by its own taste; those are not framing.
		return
	}
	body, err := io.ReadAll(r.Body)
	if r.Method != m.Method || r.ProtoMinor != m.Minor || r.ContentLength != m.Length ||
		err != nil || string(body) != m.Body {
		t.Fatalf("%q: net/http: %s %s %d %v %q %v, ours: %+v", in, r.Method, r.RequestURI,
			r.ContentLength, r.TransferEncoding, body, err, m)
	}
	if r.URL.Host == "" && r.RequestURI != m.Target ||
		r.URL.Host != "" && !strings.HasSuffix(r.RequestURI+"/", m.Target) &&
			!strings.HasSuffix(r.RequestURI, m.Target) {
		t.Fatalf("%q: net/http: %s, ours: %s", in, r.RequestURI, m.Target)
	}
}

// FuzzChunked: a chunked body means what the reference says, whatever pieces it comes in.
func FuzzChunked(f *testing.F) {
	f.Add("5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n", uint64(0))
	for _, m := range netlooptest.MalformedMessages() {
		if _, body, _ := strings.Cut(m.Bytes, "\r\n\r\n"); m.Body && len(m.Bytes) < 1<<10 {
			f.Add(body, uint64(1))
		}
	}
	f.Fuzz(func(t *testing.T, in string, seed uint64) {
		if len(in) > fuzzBytesMax {
			return
		}
		l := tight()
		data, rest, whole, status := netlooptest.ReadChunked(in, l)
		for _, arrive := range []arrival{atOnce, byteByByte, inPieces(seed)} {
			got := bodyOf(in, l, arrive)
			if want := (body{data, len(in) - len(rest), whole, status}); got != want &&
				!(!whole && got.whole == whole && got.status == status && got.data == data) {
				t.Fatalf("%q: reference: %+v; ours: %+v", in, want, got)
			}
		}
	})
}
