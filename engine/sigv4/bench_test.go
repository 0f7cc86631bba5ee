package sigv4

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// typicalRequest is what current clients send for a small GET.
func typicalRequest(tb testing.TB) *Request {
	tb.Helper()
	req, err := http.NewRequest("GET", "http://127.0.0.1:9000/bucket/some/object-0123456789", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("User-Agent", "bench")
	req.Header.Set("Accept-Encoding", "identity")
	if _, err := Sign(req, awsKey, awsSecret, "us-east-1", "s3", emptySHA256, awsTime); err != nil {
		tb.Fatal(err)
	}
	return fromHTTP(req)
}

// fromHTTP converts a request that was made here or read from the wire.
func fromHTTP(req *http.Request) *Request {
	r := &Request{
		Method: []byte(req.Method), Path: []byte(req.URL.EscapedPath()),
		Query: []byte(req.URL.RawQuery), Host: []byte(req.Host), ContentLength: req.ContentLength,
	}
	for name, values := range req.Header {
		for _, v := range values {
			r.Header = append(r.Header, Field{Name: []byte(name), Value: []byte(v)})
		}
	}
	return r
}

func benchmarkVerify(b *testing.B, r *Request) {
	v := awsVerifier(b, awsTime)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyHeader(b *testing.B) { benchmarkVerify(b, typicalRequest(b)) }

func BenchmarkVerifyPresigned(b *testing.B) {
	req, _ := http.NewRequest("GET", "http://127.0.0.1:9000/bucket/some/object-0123456789", nil)
	if err := Presign(req, awsKey, awsSecret, "us-east-1", "s3", time.Hour, awsTime); err != nil {
		b.Fatal(err)
	}
	benchmarkVerify(b, fromHTTP(req))
}

func BenchmarkMAC(b *testing.B) {
	var key signingKey
	text := bytes.Repeat([]byte("a"), 140)
	for b.Loop() {
		mac(&key, text)
	}
}

func BenchmarkChunked(b *testing.B) {
	r, body := awsChunkedRequest()
	r.ContentLength = int64(len(body))
	result, err := awsVerifier(b, awsTime).Verify(r)
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 1<<20)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		reader, _ := result.Body(bytes.NewReader([]byte(body)), r.ContentLength)
		if n, err := io.ReadFull(reader, p[:66560]); err != nil {
			b.Fatal(n, err)
		}
	}
}
