package s3api

import (
	"io"
	"net/http"
	"testing"
	"time"

	"flashstore/engine/iam"
	"flashstore/engine/object"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
)

// hollow is a connection that takes everything and has one body to read.
type hollow struct{ body, left []byte }

func (h *hollow) ReadBody(p []byte) (int, error) {
	if len(h.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.left)
	h.left = h.left[n:]
	return n, nil
}

func (h *hollow) Send(*netloop.ResponseHead, [][]byte) error { return nil }

// bump is request memory that is used again by the next request.
type bump struct{ buf, left []byte }

func (b *bump) Alloc(n int) []byte {
	p := b.left[:n:n]
	b.left = b.left[n:]
	return p
}

// BenchmarkHandle is the cost of this layer and sigv4 with a store in memory and no socket.
func BenchmarkHandle(b *testing.B) {
	root, err := iam.NewRoot(iam.Credentials{AccessKey: testKey, Secret: testSecret})
	if err != nil {
		b.Fatal(err)
	}
	verifier, err := sigv4.New(sigv4.Config{Keys: root, SkewMax: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	store := newMemStore()
	h, err := New(Config{Store: store, Verifier: verifier, Authorizer: root})
	if err != nil {
		b.Fatal(err)
	}
	if err := store.CreateBucket(b.Context(), "bucket", object.BucketSettings{}); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 4096)
	store.buckets["bucket"].objects["k"] = &memObject{info: object.Info{Key: "k", SizeBytes: 4096,
		ETag: "0123456789abcdef0123456789abcdef"}, data: body}
	for _, c := range []struct {
		method string
		body   []byte
	}{{"GET", nil}, {"HEAD", nil}, {"PUT", body}} {
		b.Run(c.method, func(b *testing.B) {
			request := exchangeRequest(b, c.method, int64(len(c.body)))
			transport := &hollow{body: c.body}
			memory := &bump{buf: make([]byte, 64<<10)}
			var ex netloop.Exchange
			b.ReportAllocs()
			for b.Loop() {
				memory.left, transport.left = memory.buf, transport.body
				ex.Reset(transport, memory)
				ex.Request = request
				h.Handle(&ex)
				if ex.Status() != 200 {
					b.Fatal(ex.Status())
				}
			}
		})
	}
}

func exchangeRequest(b *testing.B, method string, length int64) netloop.Request {
	req, err := http.NewRequest(method, "http://127.0.0.1:9000/bucket/k", nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3", sigv4.UnsignedPayload,
		time.Now()); err != nil {
		b.Fatal(err)
	}
	r := netloop.Request{Method: []byte(method), Path: []byte("/bucket/k"), Host: []byte("127.0.0.1:9000"),
		ContentLength: length, Header: []netloop.Field{{Name: []byte("Host"), Value: []byte("127.0.0.1:9000")}}}
	for name, values := range req.Header {
		r.Header = append(r.Header, netloop.Field{Name: []byte(name), Value: []byte(values[0])})
	}
	return r
}
