package s3api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"flashstore/engine/sigv4"
)

// withoutBody are the operations of PUT and POST that look at no body. Any other is taken past every
// wrong body there is, so a new operation whose handler lacks a mode fails.
func (o Op) withoutBody() bool {
	switch o {
	case OpCreateMultipartUpload, OpCopyObject, OpUploadPartCopy, OpPostObject:
		return true
	}
	return false
}

const (
	hmacPayload     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	hmacTrailer     = hmacPayload + "-TRAILER"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// chunked is an upload in chunks, to be spoilt.
type chunked struct {
	chunks []string // the last one is empty
	tail   string
}

// trailerLine is a checksum that no payload of these tests has: where it is reached, all before was good.
const trailerLine = "x-amz-checksum-crc32:AAAAAA=="

// chunk signs a payload in chunks of 8 KiB, as a good client does.
func chunk(mode, seed string, payload []byte, now time.Time) *chunked {
	c := &chunked{tail: "\r\n"}
	s := sigv4.NewChunkSigner(seed, testSecret, "us-east-1", "s3", now)
	for rest := payload; ; {
		n := min(len(rest), sigv4.ChunkBytesMin)
		var b []byte
		if mode == unsignedTrailer {
			b = []byte(unsignedChunk(rest[:n]))
		} else {
			b = s.AppendChunk(nil, rest[:n])
		}
		c.chunks = append(c.chunks, string(b))
		if rest = rest[n:]; n == 0 {
			break
		}
	}
	switch mode {
	case hmacTrailer:
		c.tail = string(s.AppendTrailers(nil, trailerLine))
	case unsignedTrailer:
		c.tail = trailerLine + "\r\n\r\n"
	}
	return c
}

func unsignedChunk(data []byte) string {
	text := strconv.FormatInt(int64(len(data)), 16) + "\r\n"
	if len(data) > 0 {
		text += string(data) + "\r\n"
	}
	return text
}

const (
	mismatch   = "403 SignatureDoesNotMatch"
	incomplete = "400 IncompleteBody"
)

// spoilers are what row 2 lists, and what is told to who sends it in signed and in unsigned chunks;
// "" where that is no fault.
var spoilers = []struct {
	name, signed, unsigned string
	more                   int // bytes that are declared and not sent
	spoil                  func(*chunked)
}{
	{"wrong signature", mismatch, "", 0, func(c *chunked) { c.chunks[1] = flip(c.chunks[1], "chunk-signature=") }},
	{"wrong last signature", mismatch, "", 0, func(c *chunked) { c.chunks[3] = flip(c.chunks[3], "chunk-signature=") }},
	{"payload changed", mismatch, "", 0, func(c *chunked) { c.chunks[1] = flip(c.chunks[1], "\r\n") }},
	{"reordered", mismatch, "", 0, func(c *chunked) { c.chunks[0], c.chunks[1] = c.chunks[1], c.chunks[0] }},
	{"replayed", mismatch, "", 0, func(c *chunked) { c.chunks[1] = c.chunks[0] }},
	{"no signature", mismatch, "", 0, func(c *chunked) {
		head, rest, _ := strings.Cut(c.chunks[0], ";")
		c.chunks[0] = head + rest[strings.Index(rest, "\r\n"):]
	}},
	{"no last chunk", mismatch, incomplete, 0, func(c *chunked) { c.chunks, c.tail = c.chunks[:3], "" }},
	{"chunk left out", mismatch, incomplete, 0, func(c *chunked) { c.chunks = append(c.chunks[:1:1], c.chunks[2:]...) }},
	{"a byte too many", incomplete, incomplete, -1, nil},
	{"a byte too few", incomplete, incomplete, 1, nil},
	{"size that is none", "400 InvalidRequest", "400 InvalidRequest", 0, func(c *chunked) { c.chunks[0] = "x" + c.chunks[0] }},
	{"nothing after the last chunk", incomplete, incomplete, 0, func(c *chunked) { c.tail = "" }},
}

// flip changes the byte after a mark, which may be a hexadecimal digit.
func flip(s, mark string) string {
	i := strings.Index(s, mark) + len(mark)
	b := []byte(s)
	if b[i] == '0' {
		b[i] = '1'
	} else {
		b[i] = '0'
	}
	return string(b)
}

// upload makes a request whose body is in chunks, more bytes than are sent declared.
func (m *matrix) upload(mode string, payload []byte, more int, spoil func(*chunked)) *http.Request {
	now := time.Now()
	header := []string{"Content-Encoding", "aws-chunked", "Content-MD5", md5Base64(string(payload)),
		"X-Amz-Decoded-Content-Length", strconv.Itoa(len(payload) + more)}
	if mode != hmacPayload {
		header = append(header, "X-Amz-Trailer", "x-amz-checksum-crc32")
	}
	req := m.request(m.route.method, m.target(), "", header...)
	seed, err := sigv4.Sign(req, testKey, testSecret, "us-east-1", "s3", mode, now)
	if err != nil {
		m.t.Fatal(err)
	}
	c := chunk(mode, seed, payload, now)
	if spoil != nil {
		spoil(c)
	}
	body := strings.Join(c.chunks, "") + c.tail
	req.ContentLength, req.Body = int64(len(body)), io.NopCloser(strings.NewReader(body))
	return req
}

// TestFaultRow2BodiesOfEveryOperationCVE202121390 spoils the body of every operation that has one, in
// every mode: it is refused as it should be, and the store does nothing. Row 1 (CVE-2025-31489,
// CVE-2026-40344) and row 5 are about the same bodies.
func TestFaultRow2BodiesOfEveryOperationCVE202121390(t *testing.T) {
	f := newFixture(t, nil)
	changed := func(method string) error {
		switch method {
		case "PutObject", "PutPart", "CompleteUpload", "CreateBucket", "DeleteObject", "SetBucket", "SetAttributes":
			t.Errorf("the store was asked for %s", method)
			return errors.New("not reached")
		}
		return nil
	}
	id := f.begin()
	payload := bytes.Repeat([]byte("        \n"), 2*sigv4.ChunkBytesMin/9+100) // three chunks, blank to XML
	tested := 0
	for i := range routes {
		r := &routes[i]
		if r.method != "PUT" && r.method != "POST" || r.op.withoutBody() {
			continue
		}
		tested++
		m := &matrix{f, r, false, id}
		f.store.fail = nil
		if !r.op.stores() { // what stores bodies of its own reads them first
			f.store.fail = changed
		}
		for _, mode := range []string{hmacPayload, hmacTrailer, unsignedTrailer} {
			for _, s := range spoilers {
				want := s.signed
				if mode == unsignedTrailer {
					want = s.unsigned
				}
				if want == "" {
					continue
				}
				got := f.send(m.upload(mode, payload, s.more, s.spoil))
				if text := fmt.Sprint(got.status, " ", got.code()); text != want {
					t.Errorf("%v, %s, %s: %s, want %s", r.op, mode, s.name, text, want)
				}
			}
		}
		f.check(f.send(m.upload(hmacTrailer, payload, 0, func(c *chunked) {
			c.tail = flip(c.tail, "x-amz-trailer-signature:")
		})), 403, "SignatureDoesNotMatch", r.op.String()+", trailer signature")
		f.check(f.send(m.upload(hmacTrailer, payload, 0, func(c *chunked) {
			c.tail = trailerLine + "\r\n\r\n"
		})), 403, "SignatureDoesNotMatch", r.op.String()+", no trailer signature")
		other := m.header(signer{hash: sha256Hex("other")}, func(req *http.Request) {
			req.Header.Set("Content-MD5", md5Base64(string(payload))) // not signed, as it need not be
			req.ContentLength, req.Body = int64(len(payload)), io.NopCloser(bytes.NewReader(payload))
		})
		f.check(f.send(other), 400, "XAmzContentSHA256Mismatch", r.op.String()+", other body")
	}
	if tested < 5 {
		t.Errorf("%d operations", tested)
	}
	f.store.fail = nil
	f.nothingStored()
	if parts := f.store.buckets["bucket"].uploads; len(parts) != 1 {
		t.Errorf("%d uploads", len(parts))
	}
	for _, u := range f.store.buckets["bucket"].uploads {
		if len(u.parts) != 0 {
			t.Errorf("%d parts are stored", len(u.parts))
		}
	}
}

// stores reports whether the store reads the body itself.
func (o Op) stores() bool { return o == OpPutObject || o == OpUploadPart }

// TestChunksInChunks: aws-chunked inside the chunks of HTTP, where no Content-Length says how long the
// framing is.
func TestChunksInChunks(t *testing.T) {
	f := newFixture(t, nil)
	payload := bytes.Repeat([]byte("0123456789"), 2000)
	for i := range routes {
		if routes[i].op != OpPutObject {
			continue
		}
		for _, mode := range []string{hmacPayload, hmacTrailer, unsignedTrailer} {
			m := &matrix{f, &routes[i], false, ""}
			req := m.upload(mode, payload, 0, nil)
			req.ContentLength, req.Body = -1, io.NopCloser(io.MultiReader(req.Body))
			want, code := 200, ""
			if mode != hmacPayload { // the trailer's checksum is of nothing
				want, code = 400, "BadDigest"
			}
			f.check(f.send(req), want, code, mode)
		}
	}
	if o := f.stored("k"); o == nil || !bytes.Equal(o.data, payload) {
		t.Error("the payload is not stored")
	}
}
