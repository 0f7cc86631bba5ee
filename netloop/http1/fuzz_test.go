package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"flashstore/netloop/http1"
	"flashstore/netloop/netlooptest"
)

func seeds(f *testing.F) {
	for _, m := range netlooptest.MalformedMessages() {
		if len(m.Bytes) < 1<<10 {
			f.Add([]byte(m.Bytes))
		}
	}
	f.Add([]byte("GET http://h/a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
	f.Add([]byte("PUT / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("PUT / HTTP/1.1\r\nHost: h\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"))
}

// FuzzParse: the outcome is the same for the whole and for byte by byte, spans lie inside, and
// net/http reads the same message or we refuse.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, pieces := http1.NewParser(limits()), http1.NewParser(limits())
		n, err := whole.Parse(in)
		var m int
		var errPieces error
		for i := 0; i <= len(in) && m == 0 && errPieces == nil; i++ {
			m, errPieces = pieces.Parse(bytes.Clone(in[:i]))
		}
		if n != m || err != errPieces {
			t.Fatalf("whole: %d, %v; pieces: %d, %v", n, err, m, errPieces)
		}
		if n == 0 {
			return
		}
		if *whole.Head() != *pieces.Head() || n > len(in) {
			t.Fatalf("%+v\n%+v", whole.Head(), pieces.Head())
		}
		head := in[:n]
		h := whole.Head()
		for _, s := range []http1.Span{h.Method, h.Target, h.Host} {
			_ = s.Of(head) // panics outside
		}
		whole.AppendFields(nil, head)
		sameAsNetHTTP(t, in, n, whole)
	})
}

func sameAsNetHTTP(t *testing.T, in []byte, n int, p *http1.Parser) {
	t.Helper()
	h := p.Head()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
	if err != nil {
		// It reads targets as URLs, and Hosts by its own taste; those are not framing.
		return
	}
	if r.Method != string(h.Method.Of(in)) || r.ProtoMinor != h.Minor ||
		r.ContentLength != h.ContentLength ||
		(len(r.TransferEncoding) > 0) != h.Chunked {
		t.Fatalf("%q: net/http: %s %s %d %v, ours: %+v", in, r.Method, r.RequestURI,
			r.ContentLength, r.TransferEncoding, h)
	}
	if target := string(h.Target.Of(in)); r.URL.Host == "" && r.RequestURI != target ||
		r.URL.Host != "" && !bytes.HasSuffix([]byte(r.RequestURI), []byte(target)) {
		t.Fatalf("%q: net/http: %s, ours: %s", in, r.RequestURI, target)
	}
	if !h.Chunked {
		return
	}
	data, _, done, err := chunkedBody(in[n:])
	theirs, theirErr := io.ReadAll(r.Body)
	if done && err == nil && (theirErr != nil || !bytes.Equal(data, theirs)) {
		t.Fatalf("%q: net/http: %q, %v; ours: %q", in, theirs, theirErr, data)
	}
}

// FuzzChunked: byte by byte gives what the whole gives.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n"))
	for _, m := range netlooptest.MalformedMessages() {
		if i := bytes.Index([]byte(m.Bytes), []byte("\r\n\r\n")); m.Body && len(m.Bytes) < 1<<10 {
			f.Add([]byte(m.Bytes[i+4:]))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		data, used, done, err := chunkedBody(in)
		l := limits()
		var c http1.Chunked
		c.Reset(l.TrailerBytes)
		var piecesData []byte
		var piecesErr error
		piecesUsed := 0
		for ; piecesUsed < len(in) && !c.Done(); piecesUsed++ {
			if c.Left() > 0 {
				piecesData = append(piecesData, in[piecesUsed])
				c.Took(1)
				continue
			}
			if _, piecesErr = c.Framing(in[piecesUsed : piecesUsed+1]); piecesErr != nil {
				break
			}
		}
		if used != piecesUsed || done != c.Done() || err != piecesErr ||
			!bytes.Equal(data, piecesData) {
			t.Fatalf("whole: %q %d %v %v; pieces: %q %d %v %v", data, used, done, err, piecesData,
				piecesUsed, c.Done(), piecesErr)
		}
	})
}
