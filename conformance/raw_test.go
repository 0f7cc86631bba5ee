package conformance

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is one of the raw driver, made field by field.
type request struct {
	p            *probe
	method, path string // path as it is sent
	rawQuery     string
	header       http.Header
	content      []byte
	hasBody      bool
	unsized      bool   // sent in chunks of HTTP, without a length
	payload      string // of X-Amz-Content-Sha256; the body's hash if empty
	anonymous    bool
	access       string
	secret       string
	region       string
	service      string
	at           time.Time
	host         string
	presign      time.Duration // signed in the query, for so long
	tamper       func(*http.Request)
}

// req is a request for a bucket and a key, each of which may be empty.
func (p *probe) req(method, bucket, key string) *request {
	path := "/"
	if bucket != "" {
		path += escapePath(bucket)
	}
	if key != "" {
		path += "/" + escapePath(key)
	}
	return &request{p: p, method: method, path: path, header: http.Header{}, region: p.region,
		service: "s3", access: p.accessKey, secret: p.secretKey, host: p.host}
}

func (r *request) query(q string) *request { r.rawQuery = q; return r }

// field sets a header field, in the spelling given.
func (r *request) field(name, value string) *request {
	r.header[http.CanonicalHeaderKey(name)] = []string{value}
	return r
}

// fields sets several: name, value, name, value.
func (r *request) fields(all ...string) *request {
	for i := 0; i+1 < len(all); i += 2 {
		r.field(all[i], all[i+1])
	}
	return r
}

func (r *request) body(text string) *request {
	r.content, r.hasBody = []byte(text), true
	return r
}

// md5 adds the Content-MD5 of the body, which some operations insist on.
func (r *request) md5() *request { return r.field("Content-MD5", md5Base64(r.content)) }

func (r *request) anon() *request               { r.anonymous = true; return r }
func (r *request) hash(payload string) *request { r.payload = payload; return r }

func (r *request) keys(access, secret string) *request {
	r.access, r.secret = access, secret
	return r
}

// try sends the request; an error is one of the connection.
func (r *request) try() (*answer, error) {
	req, err := r.build()
	if err != nil {
		return nil, err
	}
	res, err := r.p.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &answer{p: r.p, what: r.method + " " + req.URL.RequestURI(), code: res.StatusCode,
		header: res.Header, bytes: body, lengthBytes: res.ContentLength}, err
}

// build makes the signed request.
func (r *request) build() (*http.Request, error) {
	decoded, err := url.PathUnescape(r.path)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: "http", Host: r.p.host, Path: decoded, RawPath: r.path,
		RawQuery: r.rawQuery}
	if strings.HasPrefix(r.p.base, "https:") {
		u.Scheme = "https"
	}
	var body io.Reader
	if r.hasBody {
		body = bytes.NewReader(r.content)
		if r.unsized {
			body = struct{ io.Reader }{body}
		}
	}
	ctx := r.p.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.URL = u
	req.Host = r.host
	for name, values := range r.header {
		req.Header[name] = values
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "conformance")
	}
	if !r.anonymous {
		r.sign(req)
	}
	if r.tamper != nil {
		r.tamper(req)
	}
	return req, nil
}

// send sends the request; one without an answer ends the case.
func (r *request) send() *answer {
	a, err := r.try()
	if err != nil {
		r.p.fatalf("%s %s: %v", r.method, r.path, err)
	}
	return a
}

// escapePath encodes a key or bucket as S3 signs it: all but unreserved characters and slashes.
func escapePath(s string) string { return strings.ReplaceAll(escape(s), "%2F", "/") }

// escape is the UriEncode of AWS's signature documentation.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func md5Base64(b []byte) string {
	sum := md5.Sum(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// etagOf is the ETag of an object that was put at once.
func etagOf(content string) string { return fmt.Sprintf(`"%x"`, md5.Sum([]byte(content))) }
