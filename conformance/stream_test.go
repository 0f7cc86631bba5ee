package conformance

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stream is how a body is sent in aws-chunked encoding, and what is wrong with it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
// sigv4-streaming-trailers.html beside it).
type stream struct {
	signed       bool
	chunkBytes   int    // 64 KiB if 0
	trailer, sum string // name and value of a trailer field; none if empty
	drop         bool   // the trailer is promised and not sent
	mangle       func(chunks []string) []string
	spoilTrailer bool // its signature
	decoded      int  // of x-amz-decoded-content-length, if not that of the content
}

// emptyHash is that of no bytes.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// payload is the value of x-amz-content-sha256.
func (s stream) payload() string {
	switch {
	case s.signed && s.trailer != "":
		return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	case s.signed:
		return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	}
	return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
}

// chunks sends content as s says. The body is made when the request is signed.
func (r *request) chunks(s stream, content string) *request {
	decoded := len(content)
	if s.decoded != 0 {
		decoded = s.decoded
	}
	r.field("x-amz-decoded-content-length", strconv.Itoa(decoded)).hash(s.payload())
	if r.header.Get("Content-Encoding") == "" {
		r.field("Content-Encoding", "aws-chunked")
	}
	if s.trailer != "" {
		r.field("x-amz-trailer", s.trailer)
	}
	r.at = time.Now()
	before := r.tamper
	r.hasBody = true
	r.tamper = func(req *http.Request) {
		_, seed, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
		body := s.encode(r, content, seed)
		req.Body = http.NoBody
		req.ContentLength = int64(len(body))
		req.Body = readCloser(body)
		req.GetBody = nil
		if before != nil {
			before(req)
		}
	}
	return r
}

// encode makes the body.
func (s stream) encode(r *request, content, seed string) string {
	stamp := r.at.UTC().Format(stampLayout)
	size := s.chunkBytes
	if size == 0 {
		size = 64 << 10
	}
	var chunks []string
	for rest := content; ; {
		n := min(size, len(rest))
		line := fmt.Sprintf("%x", n)
		if s.signed {
			seed = s.chunkSignature(r, stamp, seed, rest[:n])
			line += ";chunk-signature=" + seed
		}
		chunk := line + "\r\n" + rest[:n]
		if n > 0 || s.trailer == "" {
			chunk += "\r\n"
		}
		chunks = append(chunks, chunk)
		if rest = rest[n:]; n == 0 {
			break
		}
	}
	if s.mangle != nil {
		chunks = s.mangle(chunks)
	}
	return strings.Join(chunks, "") + s.trailers(r, stamp, seed)
}

func (s stream) trailers(r *request, stamp, seed string) string {
	if s.trailer == "" {
		return ""
	}
	if s.drop {
		return "\r\n"
	}
	text := s.trailer + ":" + s.sum + "\r\n"
	if s.signed {
		signed := strings.Join([]string{"AWS4-HMAC-SHA256-TRAILER", stamp, r.scope(stamp), seed,
			sha256Hex([]byte(s.trailer + ":" + s.sum + "\n"))}, "\n")
		signature := hex.EncodeToString(mac(r.signingKey(stamp), signed))
		if s.spoilTrailer {
			signature = strings.Repeat("0", len(signature))
		}
		text += "x-amz-trailer-signature:" + signature + "\r\n"
	}
	return text + "\r\n"
}

func (s stream) chunkSignature(r *request, stamp, seed, data string) string {
	text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", stamp, r.scope(stamp), seed, emptyHash,
		sha256Hex([]byte(data))}, "\n")
	return hex.EncodeToString(mac(r.signingKey(stamp), text))
}
