package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// badRequests are answered with exactly this status and code, and store nothing.
var badRequests = []struct {
	name   string
	status int
	code   string
	change func(c *client, r *request)
}{
	{"wrong secret", 403, "SignatureDoesNotMatch",
		func(c *client, _ *request) { c.who.SecretAccessKey += "x" }},
	{"unknown access key", 403, "InvalidAccessKeyId",
		func(c *client, _ *request) { c.who.AccessKeyID = "nobody" }},
	{"clock 20 minutes behind", 403, "RequestTimeTooSkewed", skew(-20 * time.Minute)},
	{"clock 20 minutes ahead", 403, "RequestTimeTooSkewed", skew(20 * time.Minute)},
	{"body is not what was signed", 400, "XAmzContentSHA256Mismatch",
		header("X-Amz-Content-Sha256", strings.Repeat("0", 64))},
	{"payload mode unknown", 403, "AccessDenied",
		header("X-Amz-Content-Sha256", "STREAMING-SOMETHING-ELSE")},
	{"Content-MD5 of another body", 400, "BadDigest",
		header("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")},
	{"Content-MD5 is none", 400, "InvalidDigest", header("Content-MD5", "abc")},
	{"checksum of another body", 400, "BadDigest", header("X-Amz-Checksum-Crc32", "AAAAAA==")},
	{"missing bucket", 404, "NoSuchBucket", path("/no-such-bucket/key")},
	{"bad bucket name", 400, "InvalidBucketName", path("/UPPER_case/key")},
	{"bucket flashstore", 400, "InvalidBucketName", path("/flashstore")},
	{"bucket flashstore with a slash", 400, "InvalidBucketName", path("/flashstore/")},
	{"key of 1025 bytes", 400, "KeyTooLongError", path("/bad/" + strings.Repeat("k", 1025))},
	{"key with NUL", 400, "InvalidURI", path("/bad/nul\x00")},
	{"key that is not UTF-8", 400, "InvalidURI", path("/bad/\xff\xfe")},
	{"unknown sub-resource", 501, "NotImplemented",
		func(_ *client, r *request) { r.query = url.Values{"acl": {""}} }},
	{"part of an unknown upload", 404, "NoSuchUpload", func(_ *client, r *request) {
		r.query = url.Values{"uploadId": {"none"}, "partNumber": {"1"}}
	}},
	{"complete that is not XML", 400, "MalformedXML", func(c *client, r *request) {
		a, err := c.do(request{method: "POST", path: "/bad/parts",
			query: url.Values{"uploads": {""}}})
		if err == nil {
			*r = request{method: "POST", path: "/bad/parts", body: []byte("<no"),
				query: url.Values{"uploadId": {uploadID(a)}}}
		}
	}},
	{"multi-delete that is not XML", 400, "MalformedXML", deleteMany("<Delete><Object>")},
	{"multi-delete with an entity bomb", 400, "MalformedXML", deleteMany(
		`<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete>&b;</Delete>`)},
	{"multi-delete of 1001 keys", 400, "MalformedXML", deleteMany("<Delete>" +
		strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>")},
	{"bad range", 416, "InvalidRange", func(_ *client, r *request) {
		*r = request{method: "GET", path: "/bad/there",
			header: map[string]string{"Range": "bytes=100-200"}}
	}},
	{"missing key", 404, "NoSuchKey", func(_ *client, r *request) {
		*r = request{method: "GET", path: "/bad/missing"}
	}},
	{"max-keys is no number", 400, "InvalidArgument", func(_ *client, r *request) {
		*r = request{method: "GET", path: "/bad", query: url.Values{"max-keys": {"many"}}}
	}},
}

func skew(d time.Duration) func(*client, *request) {
	return func(c *client, _ *request) {
		c.now = func() time.Time { return time.Now().Add(d) }
	}
}

func header(name, value string) func(*client, *request) {
	return func(_ *client, r *request) { r.header = map[string]string{name: value} }
}

func path(path string) func(*client, *request) {
	return func(_ *client, r *request) { r.path = path }
}

func deleteMany(text string) func(*client, *request) {
	return func(_ *client, r *request) {
		*r = request{method: "POST", path: "/bad", query: url.Values{"delete": {""}},
			body: []byte(text), header: contentMD5([]byte(text))}
	}
}

// TestBadInputIsRefused asks wrongly in all known ways, on every kind of server. The same
// requests with nothing changed succeed, which the last lines show.
func TestBadInputIsRefused(t *testing.T) {
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		t.Run(netloop, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, 1, "--netloop", netloop).start()
			s.must(t, http.StatusOK, request{method: "PUT", path: "/bad"})
			s.must(t, http.StatusOK, request{method: "PUT", path: "/bad/there",
				body: []byte("there")})
			for _, bad := range badRequests {
				c := *s.client
				r := request{method: "PUT", path: "/bad/stored", body: []byte("some body")}
				bad.change(&c, &r)
				a, err := c.do(r)
				if err != nil {
					t.Errorf("%s: %v", bad.name, err)
				} else if a.status != bad.status || a.code != bad.code {
					t.Errorf("%s: %s, want %d %s", bad.name, a, bad.status, bad.code)
				}
			}
			if a, err := s.plain("PUT", "/bad/stored", nil); err != nil || a.status != 403 ||
				a.code != "AccessDenied" {
				t.Errorf("without a signature: %v, %v", a, err)
			}
			testBadChunks(t, s)
			testLengths(t, s)
			if keys := s.listKeys("bad"); len(keys) != 1 || !keys["there"] {
				t.Errorf("keys %v: something was stored, or lost", keys)
			}
			s.must(t, http.StatusOK, request{method: "PUT", path: "/bad/stored",
				body: []byte("some body")})
			s.stop()
		})
	}
}

// testBadChunks sends bodies in signed chunks whose signatures nobody made.
func testBadChunks(t *testing.T, s *server) {
	t.Helper()
	const payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	chunk := func(head, data string) string { return head + "\r\n" + data + "\r\n" }
	signed := ";chunk-signature=" + strings.Repeat("0", 64)
	for _, bad := range []struct {
		name, body   string
		status       int
		code         string
		decodedBytes int
	}{
		{"forged signature", chunk("5"+signed, "hello") + chunk("0"+signed, ""), 403,
			"SignatureDoesNotMatch", 5},
		{"no signature", chunk("5", "hello") + chunk("0", ""), 403,
			"SignatureDoesNotMatch", 5},
		{"no chunk size", chunk("x"+signed, "hello"), 400, "InvalidRequest", 5},
	} {
		a, err := s.do(request{method: "PUT", path: "/bad/stored", body: []byte(bad.body),
			header: map[string]string{"X-Amz-Content-Sha256": payload,
				"Content-Encoding":             "aws-chunked",
				"X-Amz-Decoded-Content-Length": fmt.Sprint(bad.decodedBytes)}})
		if err != nil {
			t.Errorf("%s: %v", bad.name, err)
		} else if a.status != bad.status || a.code != bad.code {
			t.Errorf("%s: %s, want %d %s", bad.name, a, bad.status, bad.code)
		}
	}
}

// testLengths sends bodies that are not as long as declared, or of no declared length.
func testLengths(t *testing.T, s *server) {
	t.Helper()
	for _, bad := range []struct {
		name, head, body string
		streamBytes      int64 // signed as the length
		status           int
		code             string
	}{
		{"short body", "Content-Length: 100\r\n", "only this", 100, 400, "IncompleteBody"},
		{"no length", "", "", 0, 411, "MissingContentLength"},
	} {
		a := s.raw(t, request{method: "PUT", path: "/bad/stored", stream: strings.NewReader(""),
			streamBytes: bad.streamBytes}, bad.head, bad.body)
		if a == nil && bad.body != "" {
			continue // cut off, which says as much
		}
		if a == nil || a.status != bad.status || a.code != bad.code {
			t.Errorf("%s: %v, want %d %s", bad.name, a, bad.status, bad.code)
		}
	}
}

// begin connects and sends the head of a signed request, with more lines in it. A form is signed by
// its fields, so its head is not.
func (c *client) begin(t *testing.T, r request, lines string) net.Conn {
	t.Helper()
	req, err := c.build(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(callMax))
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", r.method, req.URL.RequestURI(),
		req.URL.Host, lines)
	if strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/form-data") {
		req.Header.Del("Authorization")
	}
	for name := range req.Header {
		fmt.Fprintf(conn, "%s: %s\r\n", name, req.Header.Get(name))
	}
	fmt.Fprint(conn, "\r\n")
	return conn
}

// raw sends a signed request by hand, with more lines in its head, and half-closes; nil if
// there is no answer.
func (s *server) raw(t *testing.T, r request, head, body string) *answer {
	t.Helper()
	conn := s.begin(t, r, head)
	defer conn.Close()
	fmt.Fprint(conn, body)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return nil
	}
	a, err := readAnswer(res)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
